"""Every supported format keeps its headings, tables and code, or is refused with the reason."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from knowledge.chunks import passages
from knowledge.ingest.readers import parse
from knowledge.ingest.report import Reason, SkipError

JAPANESE = (
    "GPU インスタンスの利用申請は、情報システム部の窓口で受け付けます。"
    "申請から利用開始までは三営業日です。\n"
    "「研究」区分の上限は８台、それ以外は２台とし、超過分は部門長の承認を要します。①注意事項を読むこと。"
)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932", "euc_jp", "iso2022_jp"]
)
def test_text_is_read_in_every_encoding_that_japanese_files_have(encoding: str) -> None:
    text = JAPANESE if encoding not in ("euc_jp", "iso2022_jp") else JAPANESE.replace("①", "")
    assert parse("a.txt", text.encode(encoding)).markdown.strip() == text


@pytest.mark.parametrize(
    "text",
    ["東京都港区", "氏名,住所\n山田太郎,東京都", "カタカナ", "です。", "一二三四五六七八九十"],
)
@pytest.mark.parametrize("encoding", ["cp932", "euc_jp"])
def test_short_japanese_text_is_not_taken_for_the_other_encoding(encoding: str, text: str) -> None:
    assert parse("a.txt", text.encode(encoding)).markdown == text


def test_markdown_gives_its_first_heading_as_title() -> None:
    assert parse("x.md", b"intro\n\n# Title #\n\ntext").title == "Title"
    assert parse("folder/x.md", b"no heading").title == "x"


def test_html_keeps_headings_tables_lists_and_code_and_drops_navigation() -> None:
    html = """<html><head><title>規則</title><style>p{}</style></head>
    <body><nav>メニュー</nav><main>
    <h1>就業規則</h1><p>年 <b>20</b> 日<br>です。</p><h2>表</h2>
    <table><tr><th>年</th><th>日|数</th></tr>
    <tr><td>1</td><td>10</td></tr></table>
    <ul><li>一<ol><li>二</li></ol></li></ul><pre>a = 1\n# b</pre>
    <div>裸の文<p>段落</p>続き</div></main><footer>c</footer></body></html>"""
    markdown = parse("a.html", html.encode()).markdown
    assert "# 就業規則" in markdown and "## 表" in markdown
    assert "| 年 | 日\\|数 |\n|---|---|\n| 1 | 10 |" in markdown
    assert "- 一\n  1. 二" in markdown and "```\na = 1\n# b\n```" in markdown
    assert "裸の文\n\n段落\n\n続き" in markdown
    assert "メニュー" not in markdown and "p{}" not in markdown


def test_html_in_shift_jis_is_read() -> None:
    html = f"<html><head><meta charset='shift_jis'></head><body><p>{JAPANESE}</p></body></html>"
    assert "情報システム部" in parse("a.htm", html.encode("cp932")).markdown


def test_a_notebook_keeps_text_code_and_output() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# 実験\n", "目的"]},
        {"cell_type": "code", "source": "x = '```'", "outputs": [{"text": ["1\n"]}]},
        {"cell_type": "code", "source": "", "outputs": [{"data": {"text/plain": "2"}}]},
    ]
    parsed = parse("n.ipynb", json.dumps({"cells": cells}).encode())
    assert parsed.title == "実験"
    assert "````python\nx = '```'\n````" in parsed.markdown
    assert "```text\n1\n```" in parsed.markdown and "```text\n2\n```" in parsed.markdown


def test_csv_rows_keep_their_header_and_their_numbers() -> None:
    rows = "\n".join(f"{i},値{i}" for i in range(60))
    found = list(passages(parse("a.csv", f"番号,名前\n{rows}".encode("cp932")).markdown))
    assert len(found) == 3
    assert found[1][0] == ("26-50 行",)
    assert all(text.startswith("| 番号 | 名前 |") for _, text in found)
    assert "| 59 | 値59 |" in found[2][1]


def test_tsv_and_ragged_rows_are_read() -> None:
    markdown = parse("a.tsv", b"a\tb\tc\n1\t2\n").markdown
    assert "| a | b | c |" in markdown and "| 1 | 2 |  |" in markdown


def test_docx_keeps_headings_and_tables_in_order() -> None:
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.add_heading("手順書", 1)
    document.add_paragraph("最初に申請します。")
    table = document.add_table(rows=2, cols=2)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"欄{number}"
    document.add_paragraph("項目", style="List Bullet")
    stream = io.BytesIO()
    document.save(stream)
    markdown = parse("a.docx", stream.getvalue()).markdown
    assert markdown == (
        "# 手順書\n\n最初に申請します。\n\n| 欄0 | 欄1 |\n|---|---|\n| 欄2 | 欄3 |\n\n- 項目"
    )


def make_pdf(*pages: str, password: str = "") -> bytes:
    """Return a PDF with a line of Japanese text per page."""
    pdfmetrics = pytest.importorskip("reportlab.pdfbase.pdfmetrics")
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
    stream = io.BytesIO()
    canvas = Canvas(stream, encrypt=password or None)
    for page in pages:
        canvas.setFont("HeiseiMin-W3", 12)
        for number, line in enumerate(page.split("\n")):
            canvas.drawString(72, 720 - 20 * number, line)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def test_a_pdf_is_cited_by_page_and_its_lines_are_joined() -> None:
    found = list(
        passages(parse("a.pdf", make_pdf("有給休暇は年二\n十日です", "# 次の頁")).markdown)
    )
    assert [path for path, _ in found] == [("p. 1",), ("p. 2",)]
    assert found[0][1] == "有給休暇は年二十日です"


def zip_of(name: str, content: bytes) -> bytes:
    """Return a zip archive with one file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b"  \n", "empty"),
        ("a.txt", b"\x89PNG\r\n\x00\x00", "binary"),
        ("a.txt", bytes(range(128, 256)) * 4, "encoding"),
        ("a.xyz", b"text", "unsupported"),
        ("README", b"text", "unsupported"),
        ("a.pdf", b"%PDF-1.7 broken", "damaged"),
        ("a.docx", b"no zip", "damaged"),
        ("a.docx", zip_of("x", b"y"), "damaged"),
        ("a.docx", b"\xd0\xcf\x11\xe0" + b"x" * 600, "encrypted"),
        ("a.ipynb", b"{}", "damaged"),
        ("a.ipynb", b"[1]", "damaged"),
        ("a.html", b"<html><script>x</script></html>", "no_text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    name: str, content: bytes, reason: Reason
) -> None:
    with pytest.raises(SkipError) as caught:
        parse(name, content)
    assert caught.value.reason == reason


def test_an_encrypted_pdf_and_one_without_text_are_refused() -> None:
    with pytest.raises(SkipError) as caught:
        parse("a.pdf", make_pdf("秘密", password="x"))
    assert caught.value.reason == "encrypted"
    with pytest.raises(SkipError) as caught:
        parse("a.pdf", make_pdf(""))
    assert caught.value.reason == "no_text"
