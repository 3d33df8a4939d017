"""Honest sentences as language models write them, each with lies: the same words, a wrong figure.

They are made from the figures of real Answers (subject, attribute, value, unit), so that the truth
is what the product itself said. A lie and its honest twin share their notation (kanji numerals, 万,
spelled-out words, ranges, table cells), so that a lock that refuses the notation fails the twin.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache

from assistant.answer import Answer
from assistant.app import Assistant
from tests.assistant.cases import QUESTIONS
from tools.attributes import BY_KEY

SEED = 20261124
COSTS = (
    "g5.xlargeを1か月使うといくら?",
    "g5.2xlargeを1日8時間、22日使うと?",
    "p5.48xlargeを4台で72時間使うといくら?",
    "g6.12xlargeとg5.12xlargeを1か月使ったときの差は?",
)
ENGLISH = {1: "one", 2: "two", 4: "four", 8: "eight", 16: "sixteen", 24: "twenty-four",
           32: "thirty-two", 48: "forty-eight", 64: "sixty-four", 80: "eighty", 96: "ninety-six",
           192: "one hundred and ninety-two"}  # fmt: skip
LABELS = {
    "memory_gib": ("メモリ", "memory"),
    "vcpus": ("vCPU 数", "vCPU count"),
    "gpu_memory_gb": ("GPU メモリ", "GPU memory"),
    "gpu_count": ("GPU 数", "GPU count"),
    "network_gbps": ("ネットワーク帯域", "network bandwidth"),
    "nvme_gb": ("ローカル NVMe", "local NVMe"),
    "usd_per_hour": ("オンデマンド料金", "on-demand price"),
}
UNITS = {"vcpus": "vCPU", "gpu_count": "GPU"}
WRONG_UNITS = {"GiB": ("TiB", "Gbps"), "GB": ("TB", "GB/s"), "Gbps": ("GB/s", "Mbps", "Tbps"),
               "USD": ("円", "セント"), "vCPU": ("GPU", "GiB"), "GPU": ("vCPU",)}  # fmt: skip


@dataclass(frozen=True)
class Stated:
    """What an Answer said of a subject."""

    subject: str
    attribute: str
    value: Decimal
    unit: str


@dataclass(frozen=True)
class Case:
    """A sentence, and whether it is true."""

    kind: str
    text: str
    true: bool
    answer: Answer


def stated(answer: Answer) -> list[Stated]:
    """Return the statements of an Answer that have a label here, one for each attribute."""
    found: dict[tuple[str, str], Stated] = {}
    for figure in answer.figures:
        subject, _, attribute = figure.source.partition(":")
        attribute = attribute.partition("@")[0].partition(":")[0]
        spot = "spot" in figure.source or "capacity" in figure.source
        if attribute in LABELS and "." in subject and not spot:
            unit = UNITS.get(attribute) or BY_KEY[attribute].unit
            if figure.unit in (unit, "×", "基", "枚", "GPUs", "vCPUs"):
                key = (subject, attribute)
                found.setdefault(key, Stated(subject, attribute, figure.value, unit))
    return list(found.values())


def kanji(number: int) -> str:
    """Return a number in kanji numerals (`三十二`, `二千四十八`)."""
    digits, out = "〇一二三四五六七八九", ""
    for power, mark in ((10_000, "万"), (1000, "千"), (100, "百"), (10, "十"), (1, "")):
        count, number = divmod(number, power)
        if count:
            out += ("" if count == 1 and power in (10, 100, 1000) else digits[count]) + mark
    return out or "〇"


def plain(value: Decimal) -> str:
    """Return a value without trailing zeros."""
    return format(value.normalize(), "f")


def wide(text: str) -> str:
    """Return the digits in full width."""
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)


def wrong_values(fact: Stated) -> list[tuple[str, Decimal]]:
    """Return values that are near but false."""
    value = fact.value
    found = [
        ("half", value / 2),
        ("double", value * 2),
        ("ten per cent more", value * Decimal("1.1")),
        ("ten per cent less", value * Decimal("0.9")),
        ("ten times", value * 10),
    ]
    if value != value.to_integral_value():
        up = value.to_integral_value(ROUND_CEILING)
        if abs(up - value) > value * Decimal("0.02"):
            found.append(("rounded too far", up))
    if value == value.to_integral_value() and value >= 1000:
        found.append(("rounded too far", (value / 1000).to_integral_value() * 1000 + 1000))
    return found


def sentence(style: str, fact: Stated, number: str, unit: str | None = None) -> str:
    """Return a sentence of the given style."""
    ja, en = LABELS[fact.attribute]
    unit = fact.unit if unit is None else unit
    return {
        "ja": f"{fact.subject} の{ja}は {number} {unit} です。",
        "ja tight": f"{fact.subject}の{ja}は{number}{unit}です。",
        "ja chat": f"はい、{fact.subject}なら{ja}が{number}{unit}あるので十分でしょう。",
        "ja before": f"{ja} {number} {unit} の {fact.subject} をおすすめします。",
        "en": f"The {en} of {fact.subject} is {number} {unit}.",
        "en before": f"With {number} {unit} of {en}, {fact.subject} is a good fit.",
        "bullet": f"- **{fact.subject}**: {ja} **{number} {unit}**",
        "quote": f"「{fact.subject} の{ja}は {number} {unit}」です。",
    }[style]


STYLES = ("ja", "ja tight", "ja chat", "ja before", "en", "en before", "bullet", "quote")


def _values(fact: Stated, chance: random.Random) -> Iterator[tuple[str, str, bool]]:
    style = chance.choice(STYLES)
    yield f"value, {style}", sentence(style, fact, plain(fact.value)), True
    for kind, wrong in chance.sample(wrong_values(fact), 2):
        yield f"{kind}, {style}", sentence(style, fact, plain(wrong)), False


def _units(fact: Stated, chance: random.Random) -> Iterator[tuple[str, str, bool]]:
    if fact.unit in WRONG_UNITS:
        unit = chance.choice(WRONG_UNITS[fact.unit])
        yield "wrong unit", sentence("ja", fact, plain(fact.value), unit), False


def _notations(fact: Stated, chance: random.Random) -> Iterator[tuple[str, str, bool]]:
    """The same figure in another notation."""
    style = chance.choice(("ja", "ja tight", "bullet"))
    yield "full width", sentence(style, fact, wide(plain(fact.value))), True
    yield "full width", sentence(style, fact, wide(plain(fact.value * 2))), False
    if fact.value != fact.value.to_integral_value():
        return
    whole = int(fact.value)
    yield "kanji numerals", sentence("ja", fact, kanji(whole)), True
    yield "kanji numerals", sentence("ja", fact, kanji(whole * 2)), False
    if whole in ENGLISH:
        yield "spelled out", sentence("en", fact, ENGLISH[whole]), True
        other = chance.choice([n for n in ENGLISH if n != whole])
        yield "spelled out", sentence("en", fact, ENGLISH[other]), False
    yield "with 万", sentence(style, fact, f"{whole}万"), False
    yield "with 億", sentence(style, fact, f"{plain(fact.value)}億"), False
    yield "thousands separated", sentence("ja", fact, f"{whole:,}"), True
    yield "thousands separated", sentence("ja", fact, f"{whole * 2:,}"), False
    if fact.unit == "GiB" and whole >= 1024:
        yield "converted", sentence("ja", fact, plain(fact.value / 1024), "TiB"), True
        yield "converted", sentence("ja", fact, plain(fact.value / 512), "TiB"), False
    if fact.unit == "Gbps":
        yield "converted", sentence("ja", fact, plain(fact.value * 1000), "Mbps"), True
        yield "converted", sentence("ja", fact, plain(fact.value * 100), "Mbps"), False


def _bare(fact: Stated, chance: random.Random) -> Iterator[tuple[str, str, bool]]:
    """A figure without a unit, which its label must carry."""
    ja, _ = LABELS[fact.attribute]
    if fact.attribute in ("vcpus", "gpu_count"):
        yield "without a unit", f"{fact.subject} の{ja}は {plain(fact.value)} です。", True
    yield "without a unit", f"{fact.subject} の{ja}は {plain(fact.value * 2)} です。", False


def _pairs(a: Stated, b: Stated, chance: random.Random) -> Iterator[tuple[str, str, bool]]:
    """Statements about two subjects, exchanged."""
    ja, en = LABELS[a.attribute]
    x, y = f"{plain(a.value)} {a.unit}", f"{plain(b.value)} {b.unit}"
    patterns = {
        "two in a sentence": "{a} の{ja}は {x}、{b} は {y} です。",
        "two in English": "{a} has {x} of {en}, while {b} has {y}.",
        "table by column": "| 項目 | {a} | {b} |\n|---|---|---|\n| {ja} | {x} | {y} |",
        "table by row": "| 名前 | {ja} |\n|---|---|\n| {a} | {x} |\n| {b} | {y} |",
        "two bullets": "- {a}: {ja} {x}\n- {b}: {ja} {y}",
    }
    for kind in chance.sample(sorted(patterns), 2):
        values = {"a": a.subject, "b": b.subject, "ja": ja, "en": en}
        yield kind, patterns[kind].format(**values, x=x, y=y), True
        if a.value != b.value:
            yield kind, patterns[kind].format(**values, x=y, y=x), False
    if a.value != b.value:
        yield "same for both", f"{a.subject} も {b.subject} も、{ja}は {x} です。", False
        same = f"{a.subject} と同じく {b.subject} の{ja}も {x} です。"
        yield "same for both", same, False
    high, low = sorted((a, b), key=lambda fact: fact.value, reverse=True)
    yield (
        "range",
        f"{ja}は {low.subject} から {high.subject} まで {plain(low.value)}〜{plain(high.value)} "
        f"{a.unit} です。",
        True,
    )
    yield (
        "range",
        f"{ja}は {low.subject} から {high.subject} まで {plain(low.value)}〜"
        f"{plain(high.value * 3)} {a.unit} です。",
        False,
    )
    if low.value and high.value % low.value == 0 and high.value != low.value:
        times = int(high.value / low.value)
        wrong = times + 1
        yield "wrong ratio", f"{high.subject} の{ja}は {low.subject} の {wrong} 倍です。", False
        yield "fraction", f"{low.subject} の{ja}は {high.subject} の {wrong} 分の 1 です。", False
        percent = plain((Decimal(100) / wrong).quantize(Decimal(1)))
        yield "per cent", f"{low.subject} の{ja}は {high.subject} の {percent}% です。", False


def _names(fact: Stated, chance: random.Random) -> Iterator[tuple[str, str, bool]]:
    family = fact.subject.partition(".")[0]
    fake = f"{family}.{chance.choice(('3xlarge', '7xlarge', '20xlarge', '96xlarge'))}"
    yield "invented name", f"{fact.subject} のほか {fake} も選べます。", False
    yield (
        "invented family",
        f"{fact.subject} の後継は {family[:1]}{chance.choice('99')}z です。",
        False,
    )


def _costs(answer: Answer, chance: random.Random) -> Iterator[tuple[str, str, bool]]:
    """Prose lines of a cost answer, word for word and with one amount changed."""
    amounts = [f for f in answer.figures if f.unit == "USD" and f.value >= 10]
    for line in answer.answer.split("\n"):
        for figure in amounts:
            if figure.text in line and not line.startswith(("|", "出典", "料金", "#")):
                number = figure.text.split()[0]
                if number not in line:
                    continue
                yield "cost line", line, True
                for factor in ("1.1", "0.9", "2", "0.5"):
                    wrong = f"{(figure.value * Decimal(factor)).quantize(Decimal('0.01')):,}"
                    yield "cost line", line.replace(number, wrong, 1), False
                yield "cost line in 万", line.replace(number, f"{number}万", 1), False


def _dates(answer: Answer) -> Iterator[tuple[str, str, bool]]:
    days = sorted({c.as_of.isoformat() for c in answer.citations if c.as_of})
    for day in days[:1]:
        yield "date", f"料金や仕様は {day} 時点のデータです。", True
        year = int(day[:4])
        yield "date", f"料金や仕様は {year - 1}{day[4:]} 時点のデータです。", False
        yield "date in kanji", f"{year}年{int(day[5:7])}月{int(day[8:])}日時点の情報です。", True
        yield (
            "date in kanji",
            f"{year - 2}年{int(day[5:7])}月{int(day[8:])}日時点の情報です。",
            False,
        )


@cache
def cases() -> tuple[Case, ...]:
    """Return all sentences, true and false, in an order that depends on the seed only."""
    from assistant.settings import Settings

    assistant = Assistant(Settings(log=False))
    found: list[Case] = []
    for question in (*QUESTIONS, *COSTS):
        answer = assistant.ask(question)
        chance = random.Random(f"{SEED}:{question}")
        made = [*_dates(answer), *_costs(answer, chance)] if not answer.abstained else []
        facts = stated(answer)
        for fact in chance.sample(facts, min(3, len(facts))):
            for make in (_values, _units, _notations, _bare, _names):
                made += make(fact, chance)
        for a in facts:
            others = [b for b in facts if b.attribute == a.attribute and b.subject > a.subject]
            if others and chance.random() < 0.5:
                made += _pairs(a, others[0], chance)
        found += [Case(kind, text, true, answer) for kind, text, true in dict.fromkeys(made)]
    return tuple(found)
