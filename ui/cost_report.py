"""Estimates as files: a one-page report in Japanese for an approval, and CSV with a row a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from assistant.planner.compose.cost_words import Wording, cents, percent, plain
from assistant.planner.compose.phrases import Phrases, number

if TYPE_CHECKING:
    from knowledge.ec2.schema import Region
    from tools.cost import CostEstimate, CostLine

_CENT = Decimal("0.01")
_COLUMNS: tuple[str, ...] = (
    "option",
    "name",
    "count",
    "region",
    "term",
    "usd_per_hour",
    "billed_hours",
    "amount_usd",
    "amount_jpy",
    "jpy_per_usd",
    "jpy_rate_date",
    "per_month_usd",
    "per_year_usd",
    "estimated",
    "source",
    "price_date",
    "missing",
    "formula",
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the figures of a report."""

    title: str
    made: date
    valid_until: date
    answer_id: str


def render_report(result: CostEstimate, frame: Frame, *, regions: Mapping[str, Region]) -> str:
    """Return the page as Markdown."""
    words = Wording(Phrases("ja", dict(regions)), result)
    blocks = [
        f"# {frame.title}",
        f"作成日: {frame.made} / 有効期限: {frame.valid_until} / 回答 ID: {frame.answer_id}",
        "## 結論",
        _verdict(words, result),
        "## 案の比較(金額はすべて税別)",
        "\n".join(_table(words, result)),
        "## 計算式",
        "\n".join(_formulas(words, result)),
        "## 前提",
        "\n".join(_assumptions(words, result)),
        "## 料金の出典",
        "\n".join(_sources(result)),
    ]
    return "\n\n".join(blocks) + "\n"


def render_cost_csv(result: CostEstimate) -> str:
    """Return the lines of an estimate as CSV with a header line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_record(result, index, line) for index, line in enumerate(result.lines, 1))
    return text.getvalue()


def _verdict(words: Wording, result: CostEstimate) -> str:
    priced = [
        (line.amount, index) for index, line in enumerate(result.lines) if line.amount is not None
    ]
    if not priced:
        return "料金が分かる案がないため、金額を示せません。"
    amount, index = min(priced)
    option = f"案 {index + 1}({words.label(index)})"
    if len(priced) == 1:
        return f"{option}は {words.money(amount)}(税別)です。"
    dearest = max(priced)[0]
    gap = next(
        (
            item
            for item in result.differences
            if item.cheaper == index and result.lines[item.dearer].amount == dearest
        ),
        None,
    )
    saving = (
        f"。最も高い案より {words.money(gap.amount)}({percent(gap.saving_percent)} %)安くなります"
        if gap and gap.amount
        else ""
    )
    return f"最も安いのは{option}の {words.money(amount)}(税別)です{saving}。"


def _table(words: Wording, result: CostEstimate) -> Iterator[str]:
    yen = ["期間合計(円)"] if result.jpy else []
    heads = [
        "案",
        "インスタンス",
        "台数",
        "リージョン",
        "購入方法",
        "単価(USD/時)",
        "課金時間",
        "期間合計(USD)",
        *yen,
        "1 か月(USD)",
        "1 年(USD)",
    ]
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for index, line in enumerate(result.lines, 1):
        cells = [
            str(index),
            line.name,
            str(line.count),
            words.say.region(line.region),
            words.term(line.term),
        ]
        yield "| " + " | ".join([*cells, *_amounts(words, result, line)]) + " |"


def _amounts(words: Wording, result: CostEstimate, line: CostLine) -> list[str]:
    width = 6 if result.jpy else 5
    if line.amounts is None:
        return [words(f"cell_{line.reason}"), *["—"] * (width - 1)]
    rate = number(line.quote.usd_per_hour or 0, money=True) + ("(推定)" if words.mark(line) else "")
    yen = result.in_jpy(line.amounts.period)
    shown = [f"{yen.quantize(Decimal(1)):,}"] if yen is not None else []
    return [
        rate,
        plain(line.billed_hours),
        cents(line.amounts.period),
        *shown,
        cents(line.amounts.per_month),
        cents(line.amounts.per_year),
    ]


def _formulas(words: Wording, result: CostEstimate) -> Iterator[str]:
    for index, line in enumerate(result.lines, 1):
        text = words.formula(line).partition(": ")[2] if line.amounts else _missing(line)
        yield f"- 案 {index}: {text}"


def _missing(line: CostLine) -> str:
    if line.reason == "not_offered":
        return "このリージョンでは提供されていません。"
    return (
        f"料金が未収録です(`{line.refresh}` で取得できます)。"
        if line.refresh
        else "料金が未収録です。"
    )


def _assumptions(words: Wording, result: CostEstimate) -> Iterator[str]:
    yield "- Linux、共有テナンシー。オンデマンドとスポットは使った時間だけの課金"
    for note in result.assumptions:
        yield f"- {words(f'a_{note.code}', **note.values)}"
    excluded = [words(f"x_{code}") for code in result.excluded]
    yield f"- 含まないもの: {words.listed(excluded)}"
    if result.jpy:
        day = f"{result.jpy.as_of} のレート" if result.jpy.as_of else "日付の指定なし"
        rate = number(result.jpy.jpy_per_usd, money=True)
        yield f"- 為替: 1 USD = {rate} 円({day})。請求時のレートとは異なる"
    else:
        yield "- 為替レートの指定がないため、円の金額は示さない"


def _sources(result: CostEstimate) -> Iterator[str]:
    used = {line.quote.source.id for line in result.lines if line.quote.source}
    for source in result.sources:
        if source.id in used:
            mark = "【推定】" if source.estimated else ""
            link = f" {source.url}" if source.url else ""
            yield f"- {mark}{source.title}({source.as_of} 時点){link}"


def _record(result: CostEstimate, index: int, line: CostLine) -> dict[str, object]:
    """Return a row; amounts are rounded to the cent and to the yen."""
    source, amounts = line.quote.source, line.amounts
    row: dict[str, object] = {
        "option": index,
        "name": line.name,
        "count": line.count,
        "region": line.region,
        "term": line.term,
        "billed_hours": line.billed_hours.normalize().__format__("f"),
        "missing": line.reason or "",
        "formula": line.expression or "",
    }
    if source:
        row |= {
            "source": source.title,
            "price_date": source.as_of,
            "estimated": str(source.estimated).lower(),
        }
    if result.jpy:
        row |= {"jpy_per_usd": result.jpy.jpy_per_usd, "jpy_rate_date": result.jpy.as_of or ""}
    if amounts is None:
        return row
    yen = result.in_jpy(amounts.period)
    return row | {
        "usd_per_hour": line.quote.usd_per_hour,
        "amount_usd": amounts.period.quantize(_CENT),
        "amount_jpy": "" if yen is None else yen.quantize(Decimal(1)),
        "per_month_usd": amounts.per_month.quantize(_CENT),
        "per_year_usd": amounts.per_year.quantize(_CENT),
    }
