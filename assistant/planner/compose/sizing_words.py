"""Words for sizing: machines, amounts of memory, ranges, tokens and money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import number
from assistant.planner.vocabulary import table
from tools.charts import Text
from tools.sizing.models import Choice, MemoryBreakdown, Placement, Range, Rejection

MAX_REASONS = 5
_DAY = 24
_MIB_BELOW = 0.1
_DAYS_FROM = 48
"""Hours from which a time is said in days."""
_SCALES = (("large", 10**12, 10**12), ("middle", 10**8, 10**9), ("small", 10**4, 10**6))
"""Phrase, and the number that it counts in Japanese (兆, 億, 万) and in English."""


class SizeWords:
    """Phrases about sizing, written into one draft."""

    def __init__(self, draft: Draft) -> None:
        """Speak the language of `draft`."""
        self.draft = draft
        self.say = draft.say
        self._phrases: dict[str, str] = table("phrases_sizing")[draft.say.language]

    def __call__(self, key: str, **values: object) -> str:
        """Return a phrase with the values filled in."""
        return self._phrases[key].format(**values)

    def plain(self, text: Text) -> str:
        """Return a tool's text in the language; its figures are verified like all others."""
        return text.ja if self.say.language == "ja" else text.en

    def thing(self, placement: Placement) -> str:
        """Return the machines of a placement."""
        key = "things" if placement.instances > 1 else "thing"
        return self(key, name=placement.instance.name, count=placement.instances)

    def gpus(self, placement: Placement) -> str:
        """Return the GPUs of a placement; `CPU` without any."""
        if placement.gpu is None:
            return self("cpu")
        return self("gpus", gpu=placement.gpu.key, count=placement.gpus)

    def hours(self, hours: Range) -> str:
        """Return a time in hours, or in days where it is long."""
        if hours.expected < _DAYS_FROM:
            return self("time_hours", low=number(hours.low), high=number(hours.high))
        low, high = hours.low / _DAY, hours.high / _DAY
        return self("time_days", low=number(low), high=number(high))

    def usd(self, usd: Range) -> str:
        """Return a cost."""
        return self("usd_range", low=dollars(usd.low), high=dollars(usd.high))

    def tokens(self, tokens: int) -> str:
        """Return a number of tokens in words."""
        for name, japanese, english in _SCALES:
            scale = japanese if self.say.language == "ja" else english
            value = Decimal(tokens) / scale
            if value >= 1 and value == value.quantize(Decimal("0.1")):
                return self(f"tokens_{name}", n=number(value))
        return self("tokens_plain", n=f"{tokens:,}")

    def term(self, placement: Placement) -> str:
        """Return the purchase term."""
        return self(f"term_{placement.quote.term}")

    def memory_table(self, memory: MemoryBreakdown, *, cpu: bool = False) -> None:
        """Append the parts of the memory of a GPU, largest first, with their formulas."""
        rows: list[Sequence[str]] = []
        for term in sorted(memory.terms, key=lambda term: -term.gib):
            if term.gib >= 0.005:
                formula = f"`{term.formula}`"
                self.draft.quoted.append(formula)
                label = self.plain(term.label)
                if cpu and term.key == "overhead":
                    label = self("host_os")
                rows.append((label, size(term.gib), formula))
        share = number(memory.share_percent)
        total = self("peak_note", usable=gib(memory.usable_gib), share=share)
        rows.append((self("peak_row"), f"{gib(memory.peak_gib)} GiB", total))
        self.draft.table((self("col_part"), self("col_gib"), self("col_formula")), rows)

    def bullets(self, title: str, items: Sequence[Choice | Rejection]) -> None:
        """Append reasons as a list."""
        lines = [self._bullet(item) for item in items]
        if lines:
            self.draft.quoted += lines  # whole lines: a short part would strip words elsewhere
            self.draft.add(self(title) + "\n" + "\n".join(lines))

    def _bullet(self, item: Choice | Rejection) -> str:
        what, why = self.plain(item.what), self.plain(item.why)
        return self("bullet", what=what, why=why) if why else f"- {what}"

    def price(self, placement: Placement, *, monthly: bool = False) -> str:
        """Return what the machines cost by the hour, with region and term."""
        quote = placement.quote
        region, term = self.say.region(quote.region), self.term(placement)
        self.draft.cite_quote(quote)
        total = placement.usd_per_hour
        if total is None or quote.usd_per_hour is None:
            return self("unpriced", name=placement.instance.name, region=region, term=term)
        key = "hourly_each" if placement.instances > 1 else "hourly"
        text = self(
            key,
            usd=number(total, money=True),
            each=number(quote.usd_per_hour, money=True),
            count=placement.instances,
            region=region,
            term=term,
        )
        if monthly and placement.usd_per_month is not None:
            text += self.gap + self("monthly", usd=cents(placement.usd_per_month))
        return text

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return "" if self.say.language == "ja" else " "


def gib(value: float) -> str:
    """Return an amount of memory, without its unit."""
    return number(value)


def size(value_gib: float) -> str:
    """Return an amount of memory with its unit; small ones in MiB, to keep their digits."""
    if value_gib >= _MIB_BELOW:
        return f"{number(value_gib)} GiB"
    return f"{number(value_gib * 1024)} MiB"


def dollars(value: float | Decimal) -> str:
    """Return an estimated amount: whole dollars from a hundred on, cents below."""
    exact = Decimal(str(value))
    if exact < 1:
        return f"{exact.normalize():f}"  # three digits, as the tool rounds estimates
    step = Decimal(1) if exact >= 100 else Decimal("0.01")
    return f"{exact.quantize(step, ROUND_HALF_UP):,}"


def cents(value: Decimal) -> str:
    """Return an amount to the cent."""
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
