"""Every message an answer becomes is within Slack's documented limits, whatever the answer."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from slack_limits import Violation, check_blocks, check_message, check_view

from assistant.answer import Answer, Citation
from assistant.app import Assistant
from ui.slack.blocks import Message, echo, lay_out, notice
from ui.slack.home import help_message, home_view, question_dialog, reason_dialog
from ui.slack.markdown import Fence, spaced_bold, split_fence, split_text

QUESTIONS = (
    "G5とG4dnの違いは?",
    "H100を1枚だけ使えるインスタンスは?",
    "c6i.4xlagreのメモリ",
    "P4dはH100だよね?",
    "G5のサイズ一覧",
    "p5は大阪で使える?",
    "g5.xlargeを1日8時間、月20日使うといくら?",
    "ZeRO-3は何を分割しますか",
    "今日の東京の天気は?",
    "全部の P インスタンスの一覧",
    "compare g5 g6 g6e p4d p5 l4",
)
LINES = (
    "**太字(24 GB)**です",
    "a**b**c **d** e",
    "`<!here>`と**x**",
    "# 見出し",
    "---",
    "> 引用 <@U1>",
    "- 項目 **A**の",
    "[料金](https://a.example/?x=1&y=2)",
    "<https://a.example>",
    "",
    "```",
    "~~~",
    "|",
    "| a | b |",
    "|---|---|",
    "| 1 | <!channel> |",
    "出典: [1] x",
    "&amp; & &#x3c;",
    "``` a b",
)


def table_of(columns: int, rows: int, cell: str) -> str:
    """Return a pipe table."""
    cell = re.sub(r"[\n\r|]", " ", cell)
    lines = [[cell[:20] or "h"] * columns, ["---"] * columns, *[[cell] * columns] * rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def fence_of(line: str, times: int) -> str:
    """Return a block of code."""
    return "\n".join(["```python", *[line] * times, "```"])


words = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)


def times_over(text: str, times: int) -> str:
    """Return a text repeated."""
    return text * times


repeated = st.builds(
    times_over,
    st.sampled_from(["長い文です。", "word ", "あ", "&", "<", "**x**あ"]),
    st.sampled_from([1, 50, 2500]),
)
lines = st.one_of(words, st.sampled_from(LINES), repeated)
tables = st.one_of(
    st.builds(table_of, st.sampled_from([1, 2, 20, 21, 45]), st.sampled_from([0, 1, 9]), words),
    st.builds(table_of, st.just(2), st.sampled_from([99, 100, 130]), words),
    st.just(table_of(20, 3, "x" * 600)),
)
fences = st.one_of(
    st.builds(fence_of, words, st.sampled_from([0, 1, 5, 200])), st.just(fence_of("<" * 9000, 2))
)
texts = st.lists(st.one_of(lines, lines, tables, fences), max_size=6).map("\n\n".join)
citations = st.builds(
    Citation,
    id=words,
    title=st.one_of(words, st.just("長" * 1000), st.just("a|b>c<d")),
    section=st.none() | words,
    source=words,
    url=st.sampled_from([None, "https://a.example/x|y?a=1&b=2", "https://a.example/" + "y" * 4000]),
    as_of=st.none() | st.just(date(2026, 2, 1)),
)
answers = st.builds(
    Answer,
    question=words,
    answer=texts,
    language=st.sampled_from(["ja", "en"]),
    abstained=st.booleans(),
    citations=st.lists(citations, max_size=25),
    suggestions=st.lists(st.one_of(words, st.just("問" * 2500), st.just("い" * 90)), max_size=8),
    warnings=st.lists(st.one_of(words, st.just("注意" * 900)), max_size=12),
    answer_id=st.just("a1"),
    elapsed_ms=st.just(1),
)


def check_all(messages: list[Message]) -> None:
    for message in messages:
        payload = {"text": message.text, "blocks": message.blocks}
        check_message(json.loads(json.dumps(payload)))


# Not shrunk: the answers are large, and the message of a violation names the place.
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=(Phase.explicit, Phase.generate),
)
@given(answers)
def test_every_message_is_within_slacks_limits(answer: Answer) -> None:
    check_all(lay_out(answer))


@settings(max_examples=60, deadline=None)
@given(words, st.sampled_from([1, 50, 400]), words)
def test_notices_echoes_and_dialogs_are_within_slacks_limits(
    text: str, times: int, quoted: str
) -> None:
    check_all([notice(text * times or "x"), echo("U1", text * times or "x", quoted * times)])
    place = {"channel": "C1", "root": "1.1", "quoted": quoted * times}
    for language in ("ja", "en"):
        check_view(question_dialog(place, language))
        check_view(reason_dialog("a1", language))
        check_view(home_view(language, "2026", unlimited=False, limit=3))
        check_all([help_message(language)])


@pytest.mark.parametrize("question", QUESTIONS)
def test_real_answers_are_within_slacks_limits(forgetful: Assistant, question: str) -> None:
    answer = forgetful.ask(question)
    messages = lay_out(answer)
    check_all(messages)
    shown = json.dumps([m.blocks for m in messages], ensure_ascii=False)
    for figure in answer.figures:  # nothing that was verified gets lost on the way
        assert all(part in shown for part in figure.text.split(" ")), figure.text


def kinds(messages: list[Message]) -> list[list[str]]:
    return [[str(block["type"]) for block in message.blocks] for message in messages]


def answer_of(text: str, **more: Any) -> Answer:
    return Answer(question="q", answer=text, language="ja", answer_id="a1", elapsed_ms=1, **more)


def test_tables_become_table_blocks_one_a_message() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    first, second = kinds(lay_out(answer_of(f"前。\n\n{table}\n\n間。\n\n{table}\n\n後。")))
    assert first == ["markdown", "table", "markdown"]
    assert second[:2] == ["table", "markdown"]


def test_a_table_of_250_rows_and_30_columns_keeps_every_cell() -> None:
    header = "|" + "".join(f"c{i}|" for i in range(30))
    rows = ["|" + "".join(f"r{r}c{c}|" for c in range(30)) for r in range(250)]
    messages = lay_out(answer_of("\n".join([header, "|" + "---|" * 30, *rows])))
    shown = json.dumps([m.blocks for m in messages])
    assert all(f'"r{r}c{c}"' in shown for r in range(250) for c in range(30))


def test_sources_stand_in_a_context_block_and_not_in_the_text() -> None:
    cited = [Citation(id="a", title="料金表", source="p", url="https://a.example")]
    (message,) = lay_out(answer_of("本文 [1]。\n\n出典: [1] 料金表", citations=cited))
    assert message.blocks[0]["text"] == "本文 [1]。"
    assert message.blocks[1]["elements"][0]["text"] == "[1] <https://a.example|料金表>"


@given(st.text(alphabet="あ。\n&<x ", max_size=900), st.integers(20, 80))
def test_splitting_prose_loses_nothing_but_line_breaks(text: str, limit: int) -> None:
    from ui.slack.markdown import escape

    pieces = split_text(escape(text), limit)
    assert all(len(piece) <= limit for piece in pieces)
    assert "".join(pieces).replace("\n", "").strip() == escape(text).replace("\n", "").strip()
    assert not any(re.search(r"&\w{0,3}$", piece) for piece in pieces)


def test_prose_is_split_at_line_ends_else_after_a_sentence() -> None:
    assert split_text("一行目の文\n二行目の文です", 9) == ["一行目の文", "二行目の文です"]
    assert split_text("これは文です。次の文です。", 10) == ["これは文です。", "次の文です。"]


@given(st.lists(st.text(alphabet="ab<`&", max_size=50), max_size=30), st.integers(60, 200))
def test_code_is_split_into_whole_fences_at_line_ends(code: list[str], limit: int) -> None:
    pieces = split_fence(Fence(tuple(code)), limit)
    assert all(len(piece) <= limit for piece in pieces)
    opened = [piece.split("\n")[0] for piece in pieces]
    assert all(re.fullmatch("`{3,}", ticks) for ticks in opened)
    assert all(piece.endswith(ticks) for piece, ticks in zip(pieces, opened, strict=True))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("これは**太字**です", "これは **太字** です"),
        ("**A(24 GB)**と**B**。", "**A(24 GB)** と **B**。"),
        ("(**x**)、「**y**」", "(**x**)、「**y**」"),
        ("`**code**`のまま", "`**code**`のまま"),
        ("2 ** 3 ** 4", "2 ** 3 ** 4"),
    ],
)
def test_bold_text_touches_no_letter(line: str, shown: str) -> None:
    assert spaced_bold(line) == shown


@pytest.mark.parametrize(
    "block",
    [
        {"type": "markdown", "text": "x" * 12_001},
        {"type": "markdown", "text": "<!here>"},
        {"type": "markdown", "text": "```\ncut"},
        {"type": "markdown", "text": "太字**です**よ"},
        {"type": "section", "text": {"type": "mrkdwn", "text": "a & b"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
        {"type": "context", "elements": []},
        {"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * 101},
    ],
)
def test_the_checks_of_these_tests_find_what_slack_refuses(block: dict[str, Any]) -> None:
    with pytest.raises(Violation):
        check_blocks([block], 50)
