"""`ask --diff`: an answer's tools run again on today's data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from assistant.answer import Answer, Citation
from assistant.app import Assistant
from assistant.diff import compare_today
from assistant.errors import UsageError
from tools.results import Result


def test_an_answer_of_today_has_no_changes(forgetful: Assistant) -> None:
    for question in ("G5とG4dnの違いは?", "p5.48xlargeを4台で72時間使うといくら?", "H100とは?"):
        answer = forgetful.ask(question)
        found = forgetful.compare_today(answer)
        assert found.checked == len(answer.figures) > 0
        assert found.changes == []
        assert found.failed == []


def _aged(answer: Answer) -> Answer:
    """The answer as if its price had been another one, from an older list."""
    figures = [
        f.model_copy(update={"value": Decimal("9.99"), "text": "9.99 USD"})
        if f.source.startswith("g5.xlarge:usd_per_hour:on-demand")
        else f
        for f in answer.figures
    ]
    citations = [
        c.model_copy(update={"as_of": date(2020, 1, 1)}) if "料金表" in c.title else c
        for c in answer.citations
    ]
    return answer.model_copy(update={"figures": figures, "citations": citations})


def test_a_price_that_changed_is_shown_with_both_values(forgetful: Assistant) -> None:
    answer = _aged(forgetful.ask("g5.xlargeについて教えて"))
    changes = forgetful.compare_today(answer).changes
    prices = [c for c in changes if "usd_per_hour" in c.what]
    assert [(c.before, c.after) for c in prices] == [("9.99 USD", "1.459 USD")]
    assert any("2020-01-01" in c.before and "2026-02-01" in (c.after or "") for c in changes)


def test_a_tool_that_refuses_today_is_named(forgetful: Assistant) -> None:
    def refuse(name: str, request: Mapping[str, object]) -> Result:
        raise UsageError("もうありません", "gone")

    answer = forgetful.ask("g5.xlargeについて教えて")
    found = compare_today(answer, refuse)
    assert found.failed == ["describe_instances: gone"]
    assert found.changes == []


def test_a_figure_without_a_fact_today_is_gone(forgetful: Assistant) -> None:
    answer = forgetful.ask("g5.xlargeのメモリは?")
    source = Citation(id="x", title="x", source="x")
    figures = [f.model_copy(update={"source": "g5.xlarge:nothing"}) for f in answer.figures]
    changed = answer.model_copy(update={"figures": figures, "citations": [source]})
    assert [c.after for c in forgetful.compare_today(changed).changes] == [None]
