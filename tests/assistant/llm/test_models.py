"""Which models answer: names, clients, checks, masked keys, traces."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from assistant import trace
from assistant.app import Assistant
from assistant.errors import NotConfiguredError
from assistant.llm.breaker import Breaker
from assistant.llm.failures import classify
from assistant.model_check import check_models
from assistant.models import ModelName, build_model, parse_models
from assistant.settings import Settings, load_settings, mask_secrets
from tests.assistant.llm.conftest import CLAUDE, MODELS, Connect
from tests.assistant.llm.replies import Call, Reply, Server
from tests.assistant.llm.test_turns import LOOK_UP, QUESTION, TRUTH

KEYS = (
    "AKIAIOSFODNN7EXAMPLE", "xoxb-1234567890-abcdefghij", "hf_abcdefghijklmnopqrst",
    "sk-proj-abcdefghijklmnop1234", "ghp_abcdefghijklmnopqrstuvwx",
)  # fmt: skip


def test_models_are_listed_in_order_with_their_servers() -> None:
    model = f"bedrock_converse:{CLAUDE}, openai:qwen3@http://localhost:8000/v1, planner"
    settings = Settings(model=model, model_base_url="http://first")
    assert parse_models(settings) == [
        ModelName("bedrock_converse", CLAUDE, "http://first"),
        ModelName("openai", "qwen3", "http://localhost:8000/v1"),
    ]
    assert parse_models(Settings()) == []


@pytest.mark.parametrize("model", ["nosuch:thing", "bedrock_converse:", "bedrock_converse"])
def test_a_wrong_name_is_told_before_any_call(model: str) -> None:
    with pytest.raises(NotConfiguredError):
        Assistant(Settings(model=model, log=False)).ask("g5は?")


def test_a_missing_extra_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "langchain_aws", None)
    with pytest.raises(NotConfiguredError) as caught:
        build_model(ModelName("bedrock_converse", CLAUDE), Settings())
    assert "ask-ec2-ml[llm]" in caught.value.message_ja


def test_bedrock_takes_region_guardrail_profile_of_arns_and_cache(
    server: Server, protocol: str, connect: Connect
) -> None:
    if protocol != "bedrock":
        return
    server.say(LOOK_UP, TRUTH)
    assistant = connect(model_region="us-west-2", model_guardrail="gr-abc123:2")
    assistant.ask(QUESTION)
    asked = server.asked[0]
    assert "/us-west-2/bedrock/" in asked.headers["authorization"]
    assert asked.body["guardrailConfig"] == {
        "guardrailIdentifier": "gr-abc123",
        "guardrailVersion": "2",
    }
    assert {"cachePoint": {"type": "default"}} in asked.body["system"]
    arn = "arn:aws:bedrock:us-west-2:123456789012:inference-profile/apac.anthropic.claude-x"
    server.say(Reply("はい。"))
    connect(model=f"bedrock_converse:{arn}", model_cache=False).ask("こんにちは、調子は?")
    assert server.asked[-1].model == arn


def test_a_check_calls_each_model_once(server: Server, protocol: str) -> None:
    url = server.url + ("/v1" if protocol == "openai" else "")
    settings = Settings(model=MODELS[protocol], model_base_url=url)
    server.say(Reply(calls=(Call("pong", {"ok": True}),)))
    assert [state.ok for state in check_models(settings, "ja", call=True)] == [True, True]
    assert len(server.asked) == 1
    server.say(Reply(error="no_tools"))
    state = next(check_models(settings, "ja", call=True))
    assert (state.ok, state.problem) == (False, "ツール呼び出しに非対応")
    server.say(Reply(error="denied"))
    assert next(check_models(settings, "en", call=True)).problem == "credentials refused"


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_masked_before_they_leave(key: str, server: Server, connect: Connect) -> None:
    server.say(Reply("はい。"))
    connect().ask(f"鍵 {key} でエラーが出ます。g5.xlargeで使える?", thread_id="t")
    assert key not in str(server.asked[0].body)
    assert "***" in server.asked[0].last_text
    assert mask_secrets(f"url?key={key}").count(key) == 0


def test_keys_of_servers_are_masked_in_the_settings() -> None:
    settings = load_settings({"model": "openai:x@https://user:hunter2@host/v1"}, {"ASK_CONFIG": ""})
    assert "hunter2" not in str(settings.shown())


@pytest.mark.parametrize("name", ["model_timeout", "model_max_tokens", "model_context"])
@pytest.mark.parametrize("value", ["0", "-3", "abc", "inf"])
def test_wrong_limits_are_refused(name: str, value: str) -> None:
    from assistant.errors import UsageError

    with pytest.raises(UsageError):
        load_settings({name: value}, {"ASK_CONFIG": ""})


def test_a_circuit_pauses_longer_each_time_and_closes_on_success() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    breaker.fail("m")
    assert not breaker.allows("m")
    now[0] = 31
    assert breaker.allows("m")
    assert not breaker.allows("m")  # one trial at a time
    breaker.fail("m")
    now[0] += 59
    assert not breaker.allows("m")
    now[0] += 2
    assert breaker.allows("m")
    breaker.succeed("m")
    assert breaker.allows("m")


def test_errors_of_unknown_clients_are_classified_by_name_and_status() -> None:
    class WeirdTimeout(Exception):
        pass

    class Weird(Exception):
        status_code = 503

    assert classify(WeirdTimeout("x")).kind == "timeout"
    assert classify(Weird("x")).kind == "upstream"
    assert classify(ValueError("x")).kind == "internal"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Where spans go."""
    exporter = InMemorySpanExporter()
    yield exporter
    trace.start_tracing("")


@pytest.mark.parametrize("mode", ["", "on", "text"])
def test_spans_have_tokens_and_no_text_unless_asked(
    mode: str, server: Server, connect: Connect, spans: InMemorySpanExporter
) -> None:
    server.say(LOOK_UP, TRUTH)
    assistant = connect()
    _ = assistant._turns  # pyright: ignore[reportPrivateUsage]
    trace.start_tracing(mode, spans)
    assistant.ask(QUESTION)
    found = spans.get_finished_spans()
    if not mode:
        assert found == ()
        return
    assert [span.name for span in found] == ["chat", "tool describe_instances", "chat", "turn"]
    chat = dict(found[2].attributes or {})
    assert chat["gen_ai.usage.output_tokens"] == 20
    said = " ".join(str(dict(span.attributes or {})) for span in found)
    assert (QUESTION in said) == (mode == "text")
