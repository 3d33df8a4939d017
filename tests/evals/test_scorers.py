"""The scorers tell right answers from wrong ones, whatever the wording."""

from __future__ import annotations

from typing import Any

import pytest

from evals import scorers
from evals.dataset import Case

G5_TABLE = """**g5.xlarge は A10G、g4dn.xlarge は T4 を積みます。**

| | g5.xlarge | g4dn.xlarge |
|---|---|---|
| GPU | A10G × 1 | T4 × 1 |
| GPU メモリ | 24 GB(API 表記 22.4 GiB)、600 GB/s | 16 GB、320 GB/s |
| vCPU / メモリ | 4 / 16 GiB | 4 / 16 GiB |
| 東京(USD/時) | 1.459 | 0.71 |

料金は 2026-02-01 時点です。[1]
"""


def make_case(**expect: Any) -> Case:
    """A case with one expectation."""
    fields = {"id": "x", "category": "facts", "question": "?", "language": "ja"}
    return Case.model_validate({**fields, "expect": expect})


def figure(value: float, unit: str, tolerance: float = 0, **also: float) -> Case:
    """A case that expects one figure."""
    others = [{"value": other, "unit": name} for name, other in also.items()]
    item = {"value": value, "unit": unit, "tolerance": tolerance, "also": others}
    return make_case(figures=[item])


def make_answer(text: str, **fields: Any) -> dict[str, Any]:
    """An Answer JSON with one citation and no warning."""
    base: dict[str, Any] = {
        "answer": text,
        "language": "ja",
        "abstained": False,
        "reason": None,
        "citations": [{"id": "a", "title": "EC2", "source": "api"}],
        "warnings": [],
        "tool_calls": [{"name": "estimate_cost", "args": {}, "ok": True}],
        "artifacts": [],
    }
    return {**base, **fields}


RIGHT = [
    ("GPU メモリは 24 GB です。", 24, "GB"),
    ("GPUメモリは24GBです。", 24, "GB"),
    ("メモリは ２４ＧＢ です。", 24, "GB"),
    ("API では 22.4 GiB です。", 22.35, "GiB"),
    ("API では 22,888 MiB です。", 22.35, "GiB"),
    ("NVMe は 3.8 TB です。", 3800, "GB"),
    ("メモリは 2 TiB です。", 2048, "GiB"),
    ("帯域は 3,200 Gbps です。", 3200, "Gbps"),
    ("帯域は 3.2 Tbps です。", 3200, "Gbps"),
    ("EBS は 19,000 Mbps まで。", 19, "Gbps"),
    ("帯域は 1.6 TB/s です。", 1600, "GB/s"),
    ("料金は $1.459/時です。", 1.459, "USD"),
    ("料金は USD 1.459 です。", 1.459, "USD"),
    ("1 時間 1.459 ドルです。", 1.459, "USD"),
    ("0.293〜43.7 USD/時です。", 0.29296, "USD"),
    ("A10G を 8 枚積みます。", 8, "GPU"),
    ("8x NVIDIA A100 です。", 8, "GPU"),
    ("p5.4xlarge has a single H100 GPU.", 1, "GPU"),
    ("vCPU は 192 個です。", 192, "vCPU"),
    ("192 vCPU と 8 GPU を持ちます。", 8, "GPU"),
    ("物理コアは 96 です。", 96, "core"),
    ("EFA は 32 本です。", 32, "EFA"),
    ("性能は 989.4 TFLOPS です。", 989, "TFLOPS"),
    ("合計は 233,440 円です。", 233440, "JPY"),
    ("合計は ¥233,440 です。", 233440, "JPY"),
    ("およそ 23.3 万円です。", 233440, "JPY"),
    ("68.5 時間動かせます。", 68.5, "hours"),
    ("丸 3 日間です。", 72, "hours"),
    ("約 51 %安くなります。", 51, "%"),
    ("p5.48xlarge が 2 台要ります。", 2, "instance"),
    (G5_TABLE, 4, "vCPU"),
    (G5_TABLE, 16, "GiB"),
    (G5_TABLE, 1.459, "USD"),
    (G5_TABLE, 1, "GPU"),
]

WRONG = [
    ("GPU メモリは 48 GB です。", 24, "GB"),
    ("GPU メモリは 24 GiB です。", 24, "GB"),
    ("帯域は 600 GB/s です。", 600, "GB"),
    ("g5.48xlarge です。", 48, "vCPU"),
    ("192 vCPU と 8 GPU を持ちます。", 8, "vCPU"),
    ("2026-02-01 時点の GPU です。", 2026, "GPU"),
    ("p6-b200 の GPU です。", 200, "GPU"),
    ("出典は [8]、GPU です。", 8, "GPU"),
    ("料金は 1 USD です。", 1.459, "USD"),
    ("料金は 1.5 USD です。", 1.459, "USD"),
    ("料金は 14.59 USD です。", 1.459, "USD"),
    ("料金は 0.7 USD です。", 0.71, "USD"),
    ("合計は 233,440 USD です。", 233440, "JPY"),
    ("68.5 GiB です。", 68.5, "hours"),
    ("p5.48xlarge が 4 台要ります。", 2, "instance"),
    ("料金は 0.72 USD です。", 0.71, "USD"),
    ("メモリは 22 GiB です。", 22.35, "GiB"),
    (G5_TABLE, 0.72, "USD"),
    (G5_TABLE, 8, "vCPU"),
    ("", 8, "GPU"),
]


@pytest.mark.parametrize(("text", "value", "unit"), RIGHT)
def test_a_shown_figure_is_found(text: str, value: float, unit: str) -> None:
    """The figure counts in every usual form."""
    assert scorers.figures(make_answer(text), figure(value, unit)) is None


@pytest.mark.parametrize(("text", "value", "unit"), WRONG)
def test_a_wrong_figure_is_not_taken_for_it(text: str, value: float, unit: str) -> None:
    """Other values, other units, names and dates do not count."""
    assert scorers.figures(make_answer(text), figure(value, unit)) is not None


def test_an_equally_right_figure_counts() -> None:
    """The GB of the data sheet stands in for the GiB of the API."""
    answer = make_answer("GPU メモリは 180 GB です。")
    assert scorers.figures(answer, figure(179.06, "GiB", GB=180)) is None
    assert scorers.figures(answer, figure(179.06, "GiB")) is not None


def test_tolerance_is_in_the_unit_of_the_figure() -> None:
    """A derived price may differ by its tolerance and no more."""
    answer = make_answer("料金は 1.0150 USD です。")
    assert scorers.figures(answer, figure(1.01516, "USD", 0.0005)) is None
    assert scorers.figures(answer, figure(1.017, "USD", 0.0005)) is not None


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("L4 を積みます", "L4", True),
        ("**L4**×1", "L4", True),
        ("L40S を積みます", "L4", False),
        ("GPUはA10Gです", "A10G", True),
        ("A10G", "A10", False),
        ("g5.48xlarge", "g5", True),
        ("p5en.48xlarge", "p5", False),
        ("NVIDIA T4g", "T4G", True),
        ("東京リージョン", "東京", True),
        ("0.01 USD/時です", r"re:0\.01 ?USD", True),
    ],
)
def test_names_are_whole_words(text: str, name: str, found: bool) -> None:
    """A name inside a longer name is another thing."""
    assert scorers.contains(text, name) is found


def test_each_group_of_names_needs_one_spelling() -> None:
    """Spellings are alternatives, groups are not."""
    case = make_case(names=[["A100"], ["p4d", "p4de"]])
    assert scorers.names(make_answer("p4de は A100 を積みます"), case) is None
    assert scorers.names(make_answer("A100 です"), case) == "missing: p4d or p4de"


def test_forbidden_text_fails() -> None:
    """A forbidden claim is reported."""
    case = make_case(forbidden=["re:H100 を(搭載|積)"])
    assert scorers.forbidden(make_answer("P4d は H100 を積みます。"), case) is not None
    assert scorers.forbidden(make_answer("H100 ではなく A100 です。"), case) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("はい、A10G です。NVLink はありません。", "yes"),
        ("**はい**。A10G ではなく L4 という説もありますが", "yes"),
        ("p5.48xlarge は東京で使えます。大阪では使えません。", "yes"),
        ("間違いありません。8 枚です。", "yes"),
        ("Yes. It has no NVLink, though.", "yes"),
        ("いいえ、P4d の GPU は A100 です。", "no"),
        ("P4d が積むのは H100 ではなく A100 です。", "no"),
        ("大阪では提供されていません。", "no"),
        ("T4 は bf16 に非対応です。", "no"),
        ("正しくは A100 です。", "no"),
        ("「g5.xlarge」と解釈しました。\nいいえ、大阪にはありません。", "no"),
        ("No. p4d uses A100.", "no"),
        ("g5 is not available in Osaka. It is in Tokyo.", "no"),
    ],
)
def test_the_verdict_is_in_the_first_sentence(text: str, read: str) -> None:
    """Yes and no are read from how the answer begins."""
    assert scorers.read_verdict(text) == read


def test_an_abstention_is_no_verdict() -> None:
    """Declining does not confirm a premise."""
    answer = make_answer("分かりません。", abstained=True)
    assert scorers.verdict(answer, make_case(verdict="no")) is not None


def test_abstention_goes_both_ways() -> None:
    """Declining is wrong where an answer exists, and the other way round."""
    declined = make_answer("範囲外です。", abstained=True)
    assert scorers.abstention(declined, make_case(abstain=True)) is None
    assert scorers.abstention(declined, make_case(abstain=False)) == "abstained"
    assert scorers.abstention(make_answer("8 枚"), make_case(abstain=True)) is not None


def test_language_is_read_and_declared() -> None:
    """The text decides, and the declared language must agree."""
    case = make_case()
    assert scorers.language(make_answer(G5_TABLE), case) is None
    assert scorers.language(make_answer("It has an A10G.", language="ja"), case) is not None
    assert scorers.language(make_answer(G5_TABLE, language="en"), case) is not None
    assert scorers.read_language("g5.xlarge in Tokyo (東京) costs 1.459 USD per hour.") == "en"


def test_citations_must_exist_and_be_reachable() -> None:
    """An answer needs a source, and a mark needs its entry."""
    case = make_case(citation=True)
    assert scorers.citation(make_answer("A10G です。[1]"), case) is None
    assert scorers.citation(make_answer("A10G です。[2]"), case) is not None
    assert scorers.citation(make_answer("A10G です。", citations=[]), case) == "no citation"
    assert scorers.citation(make_answer("x", citations=[]), make_case(citation=False)) is None


def test_a_tool_counts_once_it_succeeded() -> None:
    """A tool that was not called, or that failed, is missing."""
    answer = make_answer("x", tool_calls=[{"name": "size_training", "args": {}, "ok": False}])
    assert scorers.tools(make_answer("x"), make_case(tools=["estimate_cost"])) is None
    assert scorers.tools(make_answer("x"), make_case(tools=["size_training"])) is not None
    assert scorers.tools(answer, make_case(tools=["size_training"])) is not None


def test_files_are_attached_exactly_where_expected() -> None:
    """A refusal hands out nothing, and a wish for code is met with files."""
    answer = make_answer("x", artifacts=[{"path": "train.py"}])
    assert scorers.artifact(answer, make_case(artifact=True)) is None
    assert scorers.artifact(answer, make_case(artifact=False)) == "attached files"
    assert scorers.artifact(make_answer("x"), make_case(artifact=True)) == "attached no file"
    assert scorers.artifact(make_answer("x"), make_case(artifact=False)) is None


def test_unsupported_figures_fail() -> None:
    """A warning about an unsupported figure fails the case."""
    case = make_case()
    assert scorers.support(make_answer("x"), case) is None
    assert scorers.support(make_answer("x", warnings=["unsupported figure 9"]), case) is not None
    assert scorers.support(make_answer("x", reason="unsupported_figure"), case) is not None


def test_form_wants_even_tables_and_closed_code() -> None:
    """Broken Markdown fails."""
    case = make_case()
    assert scorers.form(make_answer(G5_TABLE), case) is None
    assert scorers.form(make_answer("  "), case) == "empty answer"
    assert scorers.form(make_answer("| a | b |\n|---|---|\n| 1 |"), case) == "uneven table"
    assert scorers.form(make_answer("```python\nx = 1"), case) == "open code block"


def test_only_scorers_that_apply_are_reported() -> None:
    """A case without expectations still has language, citation, support and form."""
    found = scorers.score(make_answer("A10G です。"), make_case())
    assert [item.name for item in found] == ["language", "citation", "support", "form"]
    assert all(item.passed for item in found)
