"""Markdown on a terminal: widths, wrapping, tables, streaming."""

from __future__ import annotations

import re

import pytest
from fake_assistant import TABLE

from ui.render import Screen, render_terminal
from ui.terminal import Terminal
from ui.width import fit, line_slices, text_width

PLAIN = Terminal(width=80, laid_out=True)
MIXED = "G5 は A10G(24 GB)、G4dn は T4(16 GB)を積みます。「学習」には G5 が向きます。"


def lines_of(text: str, width: int) -> list[str]:
    """Return `text` broken into lines."""
    return [text[part] for part in line_slices(text, width)]


@pytest.mark.parametrize(
    ("text", "columns"),
    [("g5.xlarge", 9), ("料金", 4), ("ｶﾅ", 2), ("Ｇ５", 4), ("×→─", 3), ("か\u3099", 2), ("🚀", 2)],
)
def test_text_width_follows_east_asian_width(text: str, columns: int) -> None:
    """Full-width characters take two columns, combining marks none."""
    assert text_width(text) == columns


@pytest.mark.parametrize("width", range(10, 90, 7))
def test_wrapped_lines_fit_and_lose_nothing(width: int) -> None:
    """No line is wider than the terminal."""
    lines = lines_of(MIXED, width)
    assert all(text_width(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == MIXED.replace(" ", "")


@pytest.mark.parametrize("width", range(14, 60))
def test_lines_do_not_begin_with_closing_marks(width: int) -> None:
    """Japanese line breaking: no 、。」) at the start, no 「( at the end."""
    lines = lines_of(MIXED, width)
    assert not any(line[0] in "、。」)" for line in lines[1:])
    assert not any(line[-1] in "「(" for line in lines[:-1])


def test_a_number_stays_with_its_unit() -> None:
    """`24 GB` is one piece."""
    assert "24" not in [line.split()[-1] for line in lines_of("memory of 24 GB each", 12)]


def test_fit_cuts_by_columns() -> None:
    """A cut text shows that it was cut."""
    assert fit("料金を比較", 5) == "料金…"
    assert fit("abc", 3) == "abc"


def test_table_columns_are_aligned_by_width() -> None:
    """The second column starts at the same place in every row."""
    rows = render_terminal(TABLE, PLAIN).splitlines()[2:7]
    starts = {
        text_width(row[: match.start()])
        for row in rows
        if (match := re.search(r"g5\.xlarge|A10G|24 GB|1\.459", row))
    }
    assert starts == {19}
    assert all(text_width(row) <= 80 for row in rows)


@pytest.mark.parametrize("width", range(20, 100, 3))
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    """Whatever the width, lines fit."""
    text = render_terminal(TABLE, Terminal(width=width, laid_out=True))
    assert all(text_width(line) <= width for line in text.splitlines())


def test_narrow_terminal_gets_records() -> None:
    """A table that cannot fit becomes one record a row."""
    text = render_terminal(TABLE, Terminal(width=28, laid_out=True))
    assert "GPU メモリ\n  g5.xlarge: 24 GB、600 GB/s\n" in text
    assert "─" not in text


def test_wide_cells_wrap_inside_their_column() -> None:
    """Cells wrap before the table gives way to records."""
    text = render_terminal(TABLE, Terminal(width=44, laid_out=True))
    assert "─" in text
    assert all(text_width(line) <= 44 for line in text.splitlines())


def test_alignment_marks_are_respected() -> None:
    """Numbers can stand right."""
    text = render_terminal("| a | USD |\n|---|---:|\n| x | 1 |\n| y | 100 |", PLAIN)
    assert text == "a  USD\n─  ───\nx    1\ny  100\n"


def test_blocks_and_inline_marks() -> None:
    """Headings, lists, quotes, code, links, escapes."""
    source = (
        "# 見出し\n- **太字** と `code`\n  - 内側\n1. 一\n> 引用\n\n```bash\nask **x**\n```\n"
        "[料金](https://a.example/x) \\*星\\* 2*3*4 snake_case_name"
    )
    assert render_terminal(source, PLAIN) == (
        "見出し\n• 太字 と code\n  • 内側\n1. 一\n│ 引用\n\n    ask **x**\n"
        "料金 <https://a.example/x> *星* 2*3*4 snake_case_name\n"
    )


def test_list_items_hang() -> None:
    """The second line of an item stands under its text."""
    text = render_terminal("- " + "長い" * 12, Terminal(width=20, laid_out=True))
    assert all(line.startswith(("• ", "  ")) for line in text.splitlines())


def test_pipes_without_separator_are_text() -> None:
    """Not every line with a pipe is a table."""
    assert render_terminal("| a | b |\nx", PLAIN) == "| a | b |\nx\n"


def test_ragged_rows_are_filled_and_cut() -> None:
    """Every row has the columns of the header."""
    text = render_terminal("| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | 3 |", PLAIN)
    assert text == "a  b\n─  ─\n1\n1  2\n"


def test_control_characters_never_reach_the_terminal() -> None:
    """A document cannot move the cursor or hide text."""
    text = render_terminal("a\x1b[2Jb\x07\u202ec\r\x9b1m", PLAIN)
    assert text == "a[2Jbc1m\n"


def test_color_marks_every_style_and_resets_it() -> None:
    """Styles end where they began."""
    text = render_terminal("# h\n**b** `c`", Terminal(color=True, laid_out=True))
    assert text.count("\x1b[0m") == len(re.findall(r"\x1b\[[1-9;]+m", text)) == 3


@pytest.mark.parametrize("width", [24, 40, 80, 120])
@pytest.mark.parametrize("size", [1, 3, 7, 50])
@pytest.mark.parametrize(
    "source", [TABLE, "短文。長い文です。そして **太字。** 終わり", MIXED * 4 + "\n\n終"]
)
def test_streamed_text_looks_like_the_whole(width: int, size: int, source: str) -> None:
    """What arrives in pieces ends up as what is rendered at once."""
    terminal = Terminal(width=width, laid_out=True)
    parts: list[str] = []
    screen = Screen(terminal, parts.append)
    for start in range(0, len(source), size):
        screen.feed(source[start : start + size])
    screen.finish()
    assert "".join(parts) == render_terminal(source, terminal)


def test_sentences_appear_before_their_line_ends() -> None:
    """A reader does not wait for the whole paragraph, but for a whole table."""
    parts: list[str] = []
    screen = Screen(PLAIN, parts.append)
    screen.feed("最初の文です。次の")
    assert "".join(parts) == "最初の文です。"
    screen.feed("文。\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert "".join(parts) == "最初の文です。次の文。\n"
    screen.finish()
    assert "".join(parts).endswith("a  b\n─  ─\n1  2\n")
