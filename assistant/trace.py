"""OpenTelemetry spans for turns, model calls and tools: off unless ASK_TRACE asks for them.

Where they go is decided by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT, …). Texts
are recorded with ASK_TRACE=text only.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

_state: dict[str, Any] = {"tracer": None, "text": False}
Value = str | int | float | bool


class Traced:
    """A span, or nothing in its place."""

    def __init__(self, span: Any = None) -> None:
        """Write to `span`, if any."""
        self._span = span

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        if self._span is not None:
            self._span.set_attributes(dict(attributes))

    def text(self, key: str, text: str) -> None:
        """Add text, if texts are recorded."""
        if self._span is not None and _state["text"]:
            self._span.set_attribute(key, text)

    def usage(self, message: Any) -> None:
        """Add the tokens that a model counted."""
        used: Any = getattr(message, "usage_metadata", None) or {}
        names = {"input_tokens": "gen_ai.usage.input_tokens",
                 "output_tokens": "gen_ai.usage.output_tokens"}  # fmt: skip
        self.set({names[key]: used[key] for key in names if key in used})


def start_tracing(mode: str, exporter: Any = None) -> None:
    """Begin to record spans (`on`, `text`) or stop (empty). Raises NotConfiguredError."""
    _state.update(tracer=None, text=mode == "text")
    if not mode:
        return
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        provider = TracerProvider(resource=Resource.create({"service.name": "ask"}))
        if exporter is not None:
            provider.add_span_processor(SimpleSpanProcessor(exporter))
        else:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except ImportError as error:
        from assistant.errors import NotConfiguredError

        raise NotConfiguredError(
            f"ASK_TRACE には opentelemetry-sdk と OTLP のエクスポーターが必要です({error})。",
            f"ASK_TRACE needs opentelemetry-sdk and its OTLP exporter ({error}).",
        ) from error
    _state["tracer"] = provider.get_tracer("ask")


@contextmanager
def span(
    name: str, attributes: Mapping[str, Value] | None = None, messages: Sequence[Any] = ()
) -> Generator[Traced]:
    """Record the block as a span; free of charge while tracing is off."""
    tracer = _state["tracer"]
    if tracer is None:
        yield Traced()
        return
    with tracer.start_as_current_span(name, attributes=dict(attributes or {})) as found:
        traced = Traced(found)
        if messages:
            traced.text("gen_ai.input", "\n".join(str(m.content) for m in messages))
        yield traced
