"""Usage: how long a machine runs, as factors that multiply to hours and read as a formula.

A month is 730 hours, a year 8,760, a week 168; 22 weekdays a month and 5 a week unless the request
says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tools.profiles import Model

HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168  # 7 days
HOURS_PER_MONTH = 730  # 8,760 hours / 12, as the AWS calculator has it
HOURS_PER_YEAR = 8760  # 365 days
WEEKDAYS_PER_MONTH = 22
WEEKDAYS_PER_WEEK = 5
MONTHS_PER_YEAR = 12

Unit = Literal[
    "hour",
    "hour/day",
    "hour/week",
    "hour/month",
    "hour/year",
    "day",
    "day/week",
    "day/month",
    "week",
    "month",
    "month/year",
    "year",
    "instance",
    "usd/hour",
]
AssumptionCode = Literal[
    "no_usage",
    "one_month",
    "every_day",
    "weekdays_month",
    "weekdays_week",
    "month_730",
    "year_8760",
    "week_168",
    "commitment_whole",
    "block_days",
    "commitment_calendar",
    "family_size",
    "gpu_host",
    "gpu_one",
    "capacity_count",
]
Amount = Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 7)]


class Factor(Model):
    """A number of a formula with its unit; divided by instead of multiplied where `op` says so."""

    value: Decimal
    unit: Unit
    op: Literal["*", "/"] = "*"


class Assumption(Model):
    """Something that the request left open, by code, with the values that fill its sentence."""

    code: AssumptionCode
    values: dict[str, str] = Field(default_factory=dict[str, str])


class Schedule(Model):
    """A rhythm (8 hours a day, 20 days a month) and the period over which it goes on."""

    hours_per_day: Annotated[Decimal, Field(gt=0, le=24)] | None = None
    hours_per_week: Annotated[Decimal, Field(gt=0, le=168)] | None = None
    hours_per_month: Annotated[Decimal, Field(gt=0, le=744)] | None = None
    days_per_week: Annotated[Decimal, Field(gt=0, le=7)] | None = None
    days_per_month: Annotated[Decimal, Field(gt=0, le=31)] | None = None
    weekdays: bool = False
    """Weekdays only: 22 a month or 5 a week, unless the days are given."""
    days: Amount | None = None
    weeks: Amount | None = None
    months: Amount | None = None
    years: Amount | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        periods = [self.days, self.weeks, self.months, self.years]
        rhythms = [self.hours_per_day, self.hours_per_week, self.hours_per_month]
        days = [self.days_per_week, self.days_per_month]
        if any(sum(value is not None for value in group) > 1 for group in (periods, rhythms, days)):
            raise ValueError("give one period, one number of hours and one number of days")
        if (self.hours_per_week or self.hours_per_month) and (any(days) or self.weekdays):
            raise ValueError(
                "hours a week or month already say how much it runs; leave out the days"
            )
        return self

    @property
    def always(self) -> bool:
        """Whether the machine runs around the clock."""
        rhythm = (
            self.hours_per_week,
            self.hours_per_month,
            self.days_per_week,
            self.days_per_month,
        )
        return self.hours_per_day in (None, HOURS_PER_DAY) and not any(rhythm) and not self.weekdays


class Usage(Model):
    """Hours of one instance over the whole period, and how they were counted."""

    factors: tuple[Factor, ...]
    """Their product is `hours`."""
    hours: Decimal
    hours_per_day: Decimal
    """Hours on a day on which it runs."""
    hours_per_month: Decimal
    hours_per_year: Decimal
    calendar: tuple[Factor, ...] = ()
    """The hours of the whole period, used or not; empty if only a number of hours was given."""
    continuous: bool
    """Whether it runs around the clock, as far as the request says."""
    assumptions: tuple[Assumption, ...] = ()


def product(factors: Iterable[Factor]) -> Decimal:
    """Return the product of factors. Divisions come last, so that no digit is lost early."""
    listed = list(factors)
    times = prod((factor.value for factor in listed if factor.op == "*"), start=Decimal(1))
    return times / prod((factor.value for factor in listed if factor.op == "/"), start=Decimal(1))


def count_hours(hours: Decimal | None, schedule: Schedule | None) -> Usage:
    """Return the usage of a line: plain hours, a schedule, or one month around the clock."""
    if hours is not None:
        return _usage((_factor(hours, "hour"),), Schedule(), (), ())
    if schedule is None or schedule == Schedule():
        month = Schedule(months=Decimal(1))
        return _usage(_hours(month), month, _calendar(month), (Assumption(code="no_usage"),))
    complete, notes = _with_period(schedule)
    notes += _notes(complete)
    return _usage(_hours(complete), complete, _calendar(complete), tuple(notes))


def _usage(
    factors: tuple[Factor, ...],
    schedule: Schedule,
    calendar: tuple[Factor, ...],
    notes: tuple[Assumption, ...],
) -> Usage:
    month = product(_month(schedule))
    daily = schedule.hours_per_day
    if daily is None:
        per_month = schedule.hours_per_month or schedule.hours_per_week
        daily = month * HOURS_PER_DAY / HOURS_PER_MONTH if per_month else Decimal(HOURS_PER_DAY)
    return Usage(
        factors=factors,
        hours=product(factors),
        hours_per_day=daily,
        hours_per_month=month,
        hours_per_year=month * MONTHS_PER_YEAR,
        calendar=calendar,
        continuous=schedule.always,
        assumptions=notes,
    )


def _with_period(schedule: Schedule) -> tuple[Schedule, list[Assumption]]:
    """Return the schedule with a period: one month where none was given."""
    if schedule.days or schedule.weeks or schedule.months or schedule.years:
        return schedule, []
    note = Assumption(code="one_month")
    return schedule.model_copy(update={"months": Decimal(1)}), [note]


def _notes(schedule: Schedule) -> list[Assumption]:
    """Return what was assumed about days and lengths."""
    notes: list[Assumption] = []
    dated = schedule.days_per_week or schedule.days_per_month or schedule.days
    rhythm = schedule.hours_per_week or schedule.hours_per_month
    if schedule.weekdays and not dated:
        notes.append(Assumption(code="weekdays_week" if schedule.weeks else "weekdays_month"))
    elif schedule.hours_per_day and not dated and not rhythm and not schedule.always:
        notes.append(Assumption(code="every_day"))
    used = {(factor.value, factor.unit) for factor in _hours(schedule)}
    if (Decimal(HOURS_PER_MONTH), "hour/month") in used:
        notes.append(Assumption(code="month_730"))
    if (Decimal(HOURS_PER_YEAR), "hour/year") in used:
        notes.append(Assumption(code="year_8760"))
    return notes


def _hours(schedule: Schedule) -> tuple[Factor, ...]:
    """Return the factors of the hours over the schedule's period."""
    if schedule.days is not None:
        return (*_day(schedule), _factor(schedule.days, "day"))
    if schedule.weeks is not None:
        return (*_week(schedule), _factor(schedule.weeks, "week"))
    if schedule.years is not None:
        if schedule.always:
            return (_factor(HOURS_PER_YEAR, "hour/year"), _factor(schedule.years, "year"))
        return (
            *_month(schedule),
            _factor(MONTHS_PER_YEAR, "month/year"),
            _factor(schedule.years, "year"),
        )
    return (*_month(schedule), _factor(schedule.months or 1, "month"))


def _calendar(schedule: Schedule) -> tuple[Factor, ...]:
    """Return the factors of all hours of the period."""
    if schedule.weekdays and schedule.days:
        # 22 weekdays are spread over more than 22 days of the calendar.
        return (
            _factor(schedule.days, "day"),
            _factor(HOURS_PER_WEEK, "hour/week"),
            _factor(WEEKDAYS_PER_WEEK, "day/week", "/"),
        )
    period = Schedule(
        days=schedule.days, weeks=schedule.weeks, months=schedule.months, years=schedule.years
    )
    return _hours(period)


def _month(schedule: Schedule) -> tuple[Factor, ...]:
    """Return the factors of the hours of one month."""
    if schedule.hours_per_month:
        return (_factor(schedule.hours_per_month, "hour/month"),)
    per_month = _factor(HOURS_PER_MONTH, "hour/month")
    if schedule.hours_per_week:
        return (
            _factor(schedule.hours_per_week, "hour/week"),
            per_month,
            _factor(HOURS_PER_WEEK, "hour/week", "/"),
        )
    hours = _factor(schedule.hours_per_day or HOURS_PER_DAY, "hour/day")
    if schedule.days_per_month:
        return (hours, _factor(schedule.days_per_month, "day/month"))
    if schedule.days_per_week:
        weeks = (per_month, _factor(HOURS_PER_WEEK, "hour/week", "/"))
        return (hours, _factor(schedule.days_per_week, "day/week"), *weeks)
    if schedule.weekdays:
        return (hours, _factor(WEEKDAYS_PER_MONTH, "day/month"))
    if schedule.always:
        return (per_month,)
    return (hours, per_month, _factor(HOURS_PER_DAY, "hour/day", "/"))


def _week(schedule: Schedule) -> tuple[Factor, ...]:
    """Return the factors of the hours of one week."""
    if schedule.hours_per_week:
        return (_factor(schedule.hours_per_week, "hour/week"),)
    weeks = (_factor(HOURS_PER_WEEK, "hour/week"), _factor(HOURS_PER_MONTH, "hour/month", "/"))
    if schedule.hours_per_month:
        return (_factor(schedule.hours_per_month, "hour/month"), *weeks)
    hours = _factor(schedule.hours_per_day or HOURS_PER_DAY, "hour/day")
    if schedule.days_per_month:
        return (hours, _factor(schedule.days_per_month, "day/month"), *weeks)
    if schedule.always:
        return (_factor(HOURS_PER_WEEK, "hour/week"),)
    days = schedule.days_per_week or (WEEKDAYS_PER_WEEK if schedule.weekdays else 7)
    return (hours, _factor(days, "day/week"))


def _day(schedule: Schedule) -> tuple[Factor, ...]:
    """Return the factors of the hours of one day of the period."""
    if schedule.hours_per_month:
        return (
            _factor(schedule.hours_per_month, "hour/month"),
            _factor(HOURS_PER_DAY, "hour/day"),
            _factor(HOURS_PER_MONTH, "hour/month", "/"),
        )
    if schedule.hours_per_week:
        return (_factor(schedule.hours_per_week, "hour/week"), _factor(7, "day/week", "/"))
    hours = _factor(schedule.hours_per_day or HOURS_PER_DAY, "hour/day")
    if schedule.days_per_week:
        return (hours, _factor(schedule.days_per_week, "day/week"), _factor(7, "day/week", "/"))
    return (hours,)


def _factor(value: Decimal | int, unit: Unit, op: Literal["*", "/"] = "*") -> Factor:
    return Factor(value=Decimal(value), unit=unit, op=op)
