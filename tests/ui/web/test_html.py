"""Answers as HTML: what Markdown means on the page, and that nothing from a text becomes markup."""

from __future__ import annotations

import tomllib
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from assistant.answer import Answer, Citation
from assistant.events import Step
from ui.web.html import link, render_html, render_table
from ui.web.texts import texts
from ui.web.view import Turn, readable, render_turn

EVIL = "<img src=x onerror=alert(1)> \"quoted\" 'single' </template><script>alert(2)</script>"


class Reader(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


def answer(**more: object) -> Answer:
    values: dict[str, object] = {
        "question": "質問",
        "answer": "答え",
        "language": "ja",
        "answer_id": "abc123",
        "elapsed_ms": 12,
    }
    return Answer.model_validate(values | more)


def shown(question: str, **more: object) -> str:
    return render_turn(Turn("k1", question, answer=answer(**more)), texts("ja"))


# -- Markdown --------------------------------------------------------------------------------------


def test_dollars_are_no_formula_and_tildes_strike_nothing_out() -> None:
    html = render_html("$5 と $6 の間、3~5 台と 1~2 台、~~6~~")
    assert html == "<p>$5 と $6 の間、3~5 台と 1~2 台、~~6~~</p>"


@pytest.mark.parametrize("text", ["**「G5」**です", "料金は**1,065 USD**です", "**g5(24 GB)**は"])
def test_bold_needs_no_space_beside_japanese(text: str) -> None:
    assert "<strong>" in render_html(text) and "**" not in render_html(text)


def test_tables_name_their_rows_and_columns() -> None:
    html = render_html("| a | b |\n|---|--:|\n| x | 1 |")
    assert '<th scope="col" class="right">b</th>' in html
    assert '<th scope="row">x</th><td class="right">1</td>' in html


def test_numbered_lists_keep_their_numbers() -> None:
    assert render_html("3. c\n4. d") == '<ol><li value="3">c</li><li value="4">d</li></ol>'


def test_code_is_shown_as_it_is() -> None:
    html = render_html("```py\na = '<b>' ** 2\n```")
    assert "a = &#x27;&lt;b&gt;&#x27; ** 2" in html


def test_text_never_becomes_markup() -> None:
    for text in (EVIL, f"**{EVIL}**", f"| {EVIL} |\n|---|\n| {EVIL} |", f"`{EVIL}`", f"- {EVIL}"):
        tags = read(render_html(text)).tags
        assert "img" not in tags and "script" not in tags


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd"])
def test_only_web_addresses_become_links(url: str) -> None:
    assert link(url, "label") == "label"
    assert "href" not in render_html(f"[label]({url})")


def test_marks_of_citations_become_buttons_where_there_is_one() -> None:
    html = render_html("使えます [1]。[9]", lambda n: f"<button>{n}</button>" if n == 1 else None)
    assert html == "<p>使えます <button>1</button>。[9]</p>"


def test_rows_of_a_picture_become_a_table_with_a_caption() -> None:
    html = render_table([["名前", "値"], ["g5", "<1>"]], "題")
    assert "<caption" in html and "&lt;1&gt;" in html


# -- turns -----------------------------------------------------------------------------------------


def test_a_question_is_shown_as_text() -> None:
    reader = read(shown(EVIL))
    assert "img" not in reader.tags and "script" not in reader.tags
    assert "onerror" not in reader.attributes


def test_everything_of_an_answer_is_escaped() -> None:
    citation = Citation(id="c", title=EVIL, section=EVIL, source=EVIL, url=EVIL, quote=EVIL)
    html = shown(
        "q", answer=EVIL, citations=[citation], suggestions=[EVIL], warnings=[EVIL], model=EVIL
    )
    reader = read(html)
    assert "img" not in reader.tags and "script" not in reader.tags
    assert "onerror" not in reader.attributes


def test_chips_open_the_passage_with_title_section_source_date_and_quote() -> None:
    citation = Citation(
        id="c",
        title="用語集: EFA",
        section="使いどころ",
        source="AWS ドキュメント",
        url="https://docs.aws.amazon.com/efa",
        as_of=date(2026, 10, 1),
        quote="EFA は OS バイパスを使います。",
    )
    html = shown("q", answer="要ります [1]。\n\n出典: [1] 用語集", citations=[citation])
    assert html.count('popovertarget="k1-1"') == 3  # in the text, in the row, to close
    assert 'popover id="k1-1"' in html
    for text in ("用語集: EFA", "使いどころ", "AWS ドキュメント", "2026-10-01", "OS バイパス"):
        assert text in html


def test_sources_and_follow_ups_are_not_said_twice() -> None:
    citation = Citation(id="c", title="t", source="s")
    text = "本文。\n\n続けて「月額は?」「東京だと?」と聞けます。\n\n出典: [1] t"
    made = answer(answer=text, citations=[citation], suggestions=["月額は?", "東京だと?"])
    assert readable(made) == "本文。"


def test_copying_gives_the_whole_answer() -> None:
    html = shown("q", answer="**太字** <b>\n\n出典: [1] t")
    assert '<template class="source">**太字** &lt;b&gt;\n\n出典: [1] t</template>' in html


def test_steps_show_how_long_they_took() -> None:
    turn = Turn("k", "q")
    turn.note(Step("比較中", "compare_instances", "started"))
    assert 'class="now"' in render_turn(turn, texts("ja"))
    turn.note(Step("", "compare_instances", "done"))
    assert 'class="done"' in render_turn(turn, texts("ja"))
    turn.answer = answer()
    assert "手順 1 件・0.00 秒" in render_turn(turn, texts("ja"))


def test_both_languages_have_the_same_words() -> None:
    path = Path(__file__).parents[3] / "ui/web/data/texts.toml"
    words = tomllib.loads(path.read_text("utf-8"))
    assert words["ja"].keys() == words["en"].keys()
    assert [len(t["questions"]) for t in words["ja"]["tasks"]] == [
        len(t["questions"]) for t in words["en"]["tasks"]
    ]
