"""Words for costs: money in both currencies, formulas, terms and lengths of use."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from assistant.planner.compose.phrases import Phrases, number
from assistant.planner.vocabulary import table
from tools.cost import CostEstimate, CostLine
from tools.cost.terms import commitment_of
from tools.cost.usage import Factor
from tools.profiles import Quote

_CENT = Decimal("0.01")
_SMALL = Decimal("0.0001")
_FINE = Decimal("0.000001")
"""Digits of a factor that has no end (100 minutes): the product is then right to the cent."""


class Wording:
    """Phrases about one estimate."""

    def __init__(self, say: Phrases, result: CostEstimate) -> None:
        """Speak the language of `say`; yen appear if the estimate has a rate."""
        self.say = say
        self._phrases: dict[str, str] = table("phrases_cost")[say.language]
        self._result = result

    def __call__(self, key: str, **values: object) -> str:
        """Return a phrase with the values filled in."""
        return self._phrases[key].format(**values)

    def money(self, usd: Decimal) -> str:
        """Return an amount to the cent, in yen too where there is a rate."""
        yen = self._result.in_jpy(usd)
        if yen is None:
            return self("usd", usd=cents(usd))
        return self("usd_jpy", usd=cents(usd), jpy=f"{yen.quantize(Decimal(1), ROUND_HALF_UP):,}")

    def budget(self, usd: Decimal, jpy: Decimal | None) -> str:
        """Return a budget as it was given, in dollars too if it was in yen."""
        if jpy is None:
            return self("usd", usd=plain(usd))
        return self("jpy_usd", jpy=plain(jpy), usd=cents(usd))

    def rate(self, quote: Quote | None) -> str:
        """Return a price per hour as the catalogue has it."""
        usd = quote.usd_per_hour if quote else None
        return (
            self.say("unpriced") if usd is None else self("per_hour", usd=number(usd, money=True))
        )

    def term(self, term: str) -> str:
        """Return a term's name."""
        commitment = commitment_of(term)
        if commitment is None:
            return self(f"term_{term}")
        payment = self(f"payment_{commitment.payment}")
        name = self(f"term_{commitment.kind}", years=commitment.years, payment=payment)
        return name.replace("1 years", "1 year")

    def mark(self, line: CostLine) -> str:
        """Return the mark of an estimated price; empty for a price that AWS published."""
        source = line.quote.source
        return self("estimate_mark") if source and source.estimated else ""

    def thing(self, line: CostLine) -> str:
        """Return what is used: a type, or several of it."""
        return self("things" if line.count > 1 else "thing", name=line.name, count=line.count)

    def where(self, line: CostLine) -> dict[str, str]:
        """Return the values of region, term and estimate mark that leads are filled with."""
        region = self.say.region(line.region)
        return {"region": region, "term": self.term(line.term), "mark": self.mark(line)}

    def label(self, index: int) -> str:
        """Return a line's name, with region and term where they tell it from the others."""
        lines = self._result.lines
        line, parts = lines[index], list[str]()
        if len({item.region for item in lines}) > 1:
            parts.append(self.say.region(line.region))
        if len({item.term for item in lines}) > 1:
            parts.append(self.term(line.term))
        inner = self.listed(parts)
        ja = self.say.language == "ja"
        space = "" if ja else " "
        return self.thing(line) + (f"{space}({inner})" if parts else "")

    def factor(self, factor: Factor) -> str:
        """Return a factor with its unit."""
        unit, value = factor.unit.replace("/", "_"), factor.value
        if value != value.quantize(_FINE):
            value = value.quantize(_FINE)
        text = self(f"unit_{unit}", n=number(value, money=True))
        return _singular(text) if self.say.language == "en" and factor.value == 1 else text

    def formula(self, line: CostLine) -> str:
        """Return a line's amount as a product in words."""
        shown = [f for f in line.factors if not (f.unit == "instance" and f.value == 1)]
        text = self.factor(shown[0]) + "".join(
            f" {'÷' if f.op == '/' else '×'} {self.factor(f)}" for f in shown[1:]
        )
        return self("formula", factors=text, amount=self.money(line.amount or Decimal(0)))

    def period(self, line: CostLine) -> str:
        """Return how long a line runs."""
        hours, last = plain(line.usage.hours), line.usage.factors[-1]
        if last.unit == "hour":
            return self("long_hours", n=hours)
        billed = plain(line.billed_hours)
        key = "long_period" if billed == hours else "long_billed"
        return self(key, period=self.factor(last), n=hours, billed=billed)

    def band(self, band: str) -> str:
        """Return an interruption band (`<5%`, `10-15%`) in words."""
        edges = band.strip("<>%").split("-")
        key = (
            "band_under"
            if band.startswith("<")
            else "band_over"
            if band.startswith(">")
            else "band"
        )
        return self(key, low=edges[0], high=edges[-1])

    def listed(self, items: Sequence[str]) -> str:
        """Return items joined as a list."""
        return self("sep").join(items)


def cents(usd: Decimal) -> str:
    """Return an amount rounded to the cent, or to four digits where a cent would hide it."""
    step = _CENT if abs(usd) >= 1 or usd == 0 else _SMALL
    return f"{usd.quantize(step, ROUND_HALF_UP):,}"


def plain(value: Decimal) -> str:
    """Return a number of hours or days with at most two digits after the point."""
    rounded = value if value == value.quantize(_CENT) else value.quantize(_CENT, ROUND_HALF_UP)
    text = format(rounded.normalize(), "f")
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}"


def floor(value: Decimal) -> str:
    """Return a number rounded down to two digits: a budget must not be overrun by rounding."""
    return plain(value.quantize(_CENT, ROUND_DOWN))


def percent(value: Decimal) -> str:
    """Return a percentage with at most one digit after the point."""
    return format(abs(value).quantize(Decimal("0.1"), ROUND_HALF_UP).normalize(), "f")


def _singular(text: str) -> str:
    words = text.split("/")
    return "/".join([words[0].removesuffix("s"), *words[1:]])
