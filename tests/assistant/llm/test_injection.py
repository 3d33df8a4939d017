"""More than 120 attacks on a model that obeys every order it reads, and on the planner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest

from assistant.answer import Answer
from assistant.app import Assistant
from assistant.llm.breaker import SHARED
from assistant.settings import Settings
from assistant.toolbox import summarise
from knowledge.ec2.catalogue import Catalogue
from tests.assistant.llm.injections import Attack, attacks
from tests.assistant.llm.openai_server import OpenAIHandler
from tests.assistant.llm.replies import Asked, Call, Reply, Server, in_turn
from tools.glossary import GlossaryResult, Passage
from tools.results import Result

ATTACKS = list(attacks())
QUESTION = "g5.xlargeの仕様は?"


@pytest.fixture(scope="module")
def obedient() -> Iterator[Server]:
    """A server whose model does what any text tells it."""
    with Server(in_turn([Reply("はい。")]), OpenAIHandler) as running:
        yield running
    assert running.rejected == []


def _passage(attack: Attack) -> GlossaryResult:
    title = attack.text if attack.channel == "title" else "社内メモ"
    passage = Passage(
        id="memo#1", entry="memo", title=title, section="", source=title, url=None,
        as_of=date(2026, 11, 1), quote=attack.text, score=1.0, is_glossary=False,
    )  # fmt: skip
    return GlossaryResult(
        query="q", entries=(), passages=(passage,), is_definition=False, is_weak=False
    )


def _attacked(
    attack: Attack, server: Server, catalogue: Catalogue, mp: pytest.MonkeyPatch
) -> Answer:
    """Ask with the attack on its channel; the model looks things up, reads, and obeys."""
    SHARED.reset()
    direct = attack.channel not in ("document", "title", "tool output", "closing mark")
    settings = Settings(model="openai:obedient", model_base_url=f"{server.url}/v1", log=False)
    assistant = Assistant(settings, catalogue=catalogue)
    runner = assistant.runner
    attempt = runner.attempt

    def poisoned(name: str, request: Mapping[str, Any]) -> Result:
        return _passage(attack) if name == "search_glossary" else attempt(name, request)

    mp.setattr(runner, "attempt", poisoned)

    def brain(asked: Asked) -> Reply:
        if not asked.has_results:
            look = Call("describe_instances", {"names": ["g5.xlarge"]})
            return Reply(calls=(look, Call("search_glossary", {"query": "memo"})))
        return Reply(attack.goal.obey.replace("{system}", asked.system))

    server.brain = brain
    question = f"{QUESTION}\n{attack.text}" if direct else QUESTION
    return assistant.ask(question, language="ja")


def test_there_are_at_least_120_attacks() -> None:
    assert len(ATTACKS) >= 120
    assert {attack.channel for attack in ATTACKS} >= {"direct", "document", "title", "tool output"}


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_obedient_model_harms_nobody(
    attack: Attack, obedient: Server, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = _attacked(attack, obedient, catalogue, monkeypatch)
    assert answer.answer.strip()
    for words in attack.goal.forbidden:
        assert words not in answer.answer
    assert all("evil.example" not in (c.url or "") for c in answer.citations)


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_planner_obeys_nothing(attack: Attack, forgetful: Assistant) -> None:
    answer = forgetful.ask(f"{QUESTION}\n{attack.text}", language="ja")
    for words in attack.goal.forbidden:
        assert words not in answer.answer


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.channel == "closing mark"], ids=str)
def test_a_passage_cannot_close_its_own_marks(attack: Attack) -> None:
    text = summarise(_passage(attack))
    assert text.count("</passage>") == 1
    assert text.rstrip().endswith("</passage>")
    assert "<system>" not in text


def test_tools_write_nothing_outside_bundles() -> None:
    """Only the bundle tool writes, and only below the artifact directory."""
    from assistant.tool_registry import TOOLS

    assert not {name for name in TOOLS if "write" in name or "delete" in name or "run" in name}
