# syntax=docker/dockerfile:1
# One image for all of it: `ask web` (the default), `ask slack`, `ask mcp --http`, `ask catalog refresh`.
# Nothing is downloaded at run time: catalogue, glossary, embedder and planner are in the package.
FROM python:3.12-slim-bookworm AS build
ARG EXTRAS=web,slack,llm,mcp,postgres
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY knowledge knowledge
COPY tools tools
COPY assistant assistant
COPY ui ui
COPY evals evals
RUN python -m venv /opt/ask \
    && /opt/ask/bin/pip install -c constraints.txt ".[${EXTRAS}]" \
    && /opt/ask/bin/python -m compileall -q /opt/ask

FROM python:3.12-slim-bookworm
# Japanese glyphs for pictures in Slack; Debian's point releases need no pinning here.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home ask \
    && install -d -o ask -g ask /data
COPY --from=build /opt/ask /opt/ask
COPY deploy/health.py /opt/ask/health.py
ENV PATH=/opt/ask/bin:$PATH \
    ASK_DATA_DIR=/data \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    ANONYMIZED_TELEMETRY=False \
    GRADIO_ANALYTICS_ENABLED=False \
    HEALTH_URL=http://127.0.0.1:7860/healthz
USER 10001:10001
VOLUME ["/data"]
EXPOSE 7860 3000 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "/opt/ask/health.py"]
ENTRYPOINT ["ask"]
CMD ["web", "--host", "0.0.0.0"]
