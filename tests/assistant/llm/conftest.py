"""Model servers on this machine, and assistants that talk to them through the real clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from assistant.app import Assistant
from assistant.llm.breaker import SHARED
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue
from tests.assistant.llm.bedrock_server import BedrockHandler
from tests.assistant.llm.openai_server import OpenAIHandler
from tests.assistant.llm.replies import Reply, Server, in_turn

CLAUDE = "anthropic.claude-sonnet-4-20250514-v1:0"
MODELS = {"bedrock": f"bedrock_converse:{CLAUDE}", "openai": "openai:local"}
Connect = Callable[..., Assistant]


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    """No test inherits what another learned of the models."""
    SHARED.reset()
    yield
    SHARED.reset()


@pytest.fixture
def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that sign requests and open nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE12")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def handlers(protocol: str) -> Any:
    """The handler of a protocol."""
    return {"bedrock": BedrockHandler, "openai": OpenAIHandler}[protocol]


@pytest.fixture(params=["bedrock", "openai"])
def protocol(request: pytest.FixtureRequest, aws_keys: None) -> str:
    """Each protocol in turn."""
    return request.param


@pytest.fixture
def server(protocol: str) -> Iterator[Server]:
    """A model server."""
    with Server(in_turn([Reply("はい。")]), handlers(protocol)) as running:
        yield running
    assert running.rejected == []


@pytest.fixture
def connect(server: Server, protocol: str, catalogue: Catalogue) -> Connect:
    """Build an assistant that uses the server, with settings of its own."""

    def build(**settings: Any) -> Assistant:
        url = server.url + ("/v1" if protocol == "openai" else "")
        chosen: dict[str, Any] = {"model": MODELS[protocol], "model_base_url": url, "log": False}
        chosen |= settings
        chosen.setdefault("model_timeout", 5.0)
        return Assistant(Settings(**chosen), catalogue=catalogue)

    return build
