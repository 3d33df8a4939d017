"""Schedules: how long, how many, under which term and for how much a normalised question asks.

    1日8時間、月20日 -> 8 hours a day, 20 days a month
    8枚のh100を3日間 -> 8 GPUs, 3 days
    予算100ドルで -> a budget of 100 USD
    リザーブド1年全額前払い -> reserved-1y-all-upfront

What is not said stays None. Each thing is read once: patterns run from the most to the least
specific, and what one has read is masked for the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from assistant.planner.clock import CLOCK, hours_between
from assistant.planner.schedule_patterns import (
    Patterns,
    number_of,
    patterns,
)
from assistant.planner.usage import Period, Span, Usage
from assistant.planner.vocabulary import table
from knowledge.ec2.schema import Term
from tools.cost.terms import TERMS

MASK = "\x01"
HOURS_PER_DAY = 24
_HOURS: dict[str, Decimal] = {
    "hour": Decimal(1),
    "day": Decimal(24),
    "week": Decimal(168),
    "month": Decimal(730),
    "year": Decimal(8760),
}


_AS_WELL = re.compile(r"スポット(?:価格|料金|版|の場合|だと|なら)?も(?!う|っと)")
_ONE_EACH = re.compile(
    rf"(?P<people>\d+)\s*(?:人|名|チーム|people|engineers|users).*?(?:{MASK}|1台|1つ|one)\s*(?:ずつ|each)"
)


def read_usage(text: str) -> tuple[Usage, str]:
    """Return what a normalised question says about use, and the text with that masked."""
    reader = _Reader(text)
    reader.read()
    return reader.usage, reader.rest


class _Reader:
    """Reads one question; `rest` is the text with what was read masked."""

    def __init__(self, text: str) -> None:
        self.rest = text
        self.usage = Usage()
        self._patterns: Patterns = patterns()

    def read(self) -> None:
        """Read everything, most specific first."""
        self._rate()
        self._money()
        self._terms()
        self._clock()
        self._rhythm()
        self._counts()
        self._lengths()
        self._asked_period()
        self.usage.spans.sort(key=lambda span: span.start)

    def _take(
        self,
        pattern: re.Pattern[str],
        kind: str,
        *,
        unless: Callable[[re.Match[str]], bool] = lambda _: False,
    ) -> Iterator[re.Match[str]]:
        """Yield the matches in what is left, masking each."""
        for match in list(pattern.finditer(self.rest)):
            start, end = match.span()
            if MASK in self.rest[start:end] or unless(match):
                continue
            self.rest = self.rest[:start] + MASK * (end - start) + self.rest[end:]
            self.usage.spans.append(Span(start, end, kind))
            yield match

    # -- money ---------------------------------------------------------------------------------

    def _rate(self) -> None:
        for match in self._take(self._patterns.rate, "rate"):
            self.usage.jpy_per_usd = number_of(next(group for group in match.groups() if group))

    def _money(self) -> None:
        for match in self._take(self._patterns.money, "budget", unless=self._by_the_hour):
            words = match.groupdict()
            amount = number_of(
                words["number"] or words["prefixed"], words["scale"] or words["scaled"]
            )
            yen = words["jpy"] or words["sign"] in ("¥", "\\")
            if self.usage.has_budget:
                continue
            if yen:
                self.usage.budget_jpy = amount
            else:
                self.usage.budget_usd = amount
            self.usage.budget_period = _period(words["before"] or words["after"] or "")

    def _by_the_hour(self, match: re.Match[str]) -> bool:
        """Whether the amount is a price by the hour: a condition of a search, not a budget."""
        before = self.rest[: match.start()].rstrip()
        return before.endswith(tuple(table("usage")["hourly"]["before"])) and not match["before"]

    # -- terms ---------------------------------------------------------------------------------

    def _terms(self) -> None:
        found: list[tuple[int, Term]] = []
        text = self.rest
        for kind, pattern in self._patterns.terms:
            for match in self._take(pattern, "term"):
                found.append((match.start(), self._term(kind, match)))
        self.usage.terms = tuple(dict.fromkeys(term for _, term in sorted(found)))
        if self.usage.terms == ("spot",) and _AS_WELL.search(text):
            self.usage.terms = ("on-demand", "spot")

    def _term(self, kind: str, match: re.Match[str]) -> Term:
        defaults: dict[str, Any] | None = table("usage")["defaults"].get(kind)
        if defaults is None:
            return _known_term(kind)
        years = match["years_before"] or match["years_after"]
        payment = self._payment()
        self.usage.terms_assumed = self.usage.terms_assumed or not years or not payment
        return _known_term(
            f"{kind}-{years or defaults['years']}y-{payment or defaults['payment']}-upfront"
        )

    def _payment(self) -> str | None:
        for payment, pattern in self._patterns.payments:
            for _ in self._take(pattern, "term"):
                return payment
        return None

    # -- rhythm, counts, lengths ---------------------------------------------------------------

    def _clock(self) -> None:
        for match in self._take(CLOCK, "rhythm"):
            self.usage.hours_per_day = hours_between(match)

    def _rhythm(self) -> None:
        usage = self.usage
        for match in self._take(self._patterns.weekdays_and_days, "rhythm"):
            usage.weekdays, usage.days_per_month = True, number_of(match["days"])
        for _ in self._take(self._patterns.always, "rhythm"):
            usage.hours_per_day = Decimal(HOURS_PER_DAY)
        for name, pattern in self._patterns.hour_rhythms:
            for match in self._take(pattern, "rhythm"):
                setattr(usage, name, _hours(match))
        for name, pattern in self._patterns.day_rhythms:
            for match in self._take(pattern, "rhythm"):
                setattr(usage, name, number_of(match["days"] or match["days2"]))
        for _ in self._take(self._patterns.two_days_off, "rhythm"):
            usage.days_per_week = Decimal(5)
        for _ in self._take(self._patterns.weekdays, "rhythm"):
            usage.weekdays = True
        if usage.hours_per_month and usage.hours_per_month <= HOURS_PER_DAY:
            # "1か月8時間" means a day: nobody plans eight hours over a month.
            usage.hours_per_day, usage.hours_per_month, usage.months = (
                usage.hours_per_month,
                None,
                Decimal(1),
            )

    def _counts(self) -> None:
        for match in self._take(self._patterns.instances, "count"):
            self.usage.count = int(number_of(next(group for group in match.groups() if group)))
        people = _ONE_EACH.search(self.rest)
        if people and self.usage.count in (None, 1):
            self.usage.count = int(number_of(people["people"]))
        for match in self._take(self._patterns.gpus, "gpus"):
            self.usage.gpus = int(number_of(match["number"]))

    def _lengths(self) -> None:
        totals: dict[str, Decimal] = {}
        added = False
        for match in self._take(self._patterns.words, "length"):
            row: dict[str, Any] = table("usage")["lengths"][re.sub(r"\s+", " ", match[0])]
            totals[row["unit"]] = totals.get(row["unit"], Decimal(0)) + Decimal(str(row["value"]))
        for unit, pattern in self._patterns.lengths:
            for match in self._take(pattern, "length"):
                value = _hours(match) if unit == "hour" else number_of(match["number"])
                totals[unit] = totals.get(unit, Decimal(0)) + value
                added = added or bool(match["plus"])
        if "minute" in totals:
            totals["hour"] = totals.get("hour", Decimal(0)) + totals.pop("minute") / 60
        self._set_length(totals, added=added)

    def _set_length(self, totals: dict[str, Decimal], *, added: bool) -> None:
        """Set the period; hours beside a period are hours a day unless they are added to it."""
        usage, hours = self.usage, totals.get("hour")
        periods = {unit: value for unit, value in totals.items() if unit != "hour"}
        rhythmic = hours is not None and hours <= HOURS_PER_DAY and not added
        if (
            hours is not None
            and rhythmic
            and (periods or usage.weekdays or usage.days_per_month or usage.days_per_week)
            and usage.hours_per_day is None
        ):
            usage.hours_per_day, hours = hours, None
        if hours is not None:
            usage.hours = hours + sum(value * _HOURS[unit] for unit, value in periods.items())
            return
        if set(periods) == {"year", "month"}:
            periods = {"month": periods["year"] * 12 + periods["month"]}
        elif set(periods) == {"week", "day"}:
            periods = {"day": periods["week"] * 7 + periods["day"]}
        elif len(periods) > 1:
            usage.hours = sum(
                (value * _HOURS[unit] for unit, value in periods.items()), start=Decimal(0)
            )
            return
        for unit, value in periods.items():
            setattr(usage, f"{unit}s", value)

    def _asked_period(self) -> None:
        """Read 月額 and its like as one such period, unless a length was said."""
        usage = self.usage
        said = usage.hours or usage.days or usage.weeks or usage.months or usage.years
        for unit, pattern in self._patterns.asks:
            for _ in self._take(pattern, "length"):
                if not said:
                    setattr(usage, f"{unit}s", Decimal(1))
                    said = Decimal(1)
        if said is None and usage.budget_period in ("day", "month", "year"):
            setattr(usage, f"{usage.budget_period}s", Decimal(1))


def _hours(match: re.Match[str]) -> Decimal:
    hours = number_of(match["number"])
    half = Decimal("0.5") if match["half"] else Decimal(0)
    return hours + half + (number_of(match["minutes"]) / 60 if match["minutes"] else Decimal(0))


def _period(words: str) -> Period | None:
    signs: tuple[tuple[Period, str], ...] = (
        ("month", r"月|month"),
        ("year", r"年|year"),
        ("week", r"週|week"),
        ("day", r"日|day"),
    )
    return next((period for period, sign in signs if re.search(sign, words)), None)


def _known_term(name: str) -> Term:
    return next(term for term in TERMS if term == name)
