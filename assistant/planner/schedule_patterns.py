"""The patterns of schedules.py, compiled once from the words in data/usage.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from assistant.planner.vocabulary import any_of, table

_DIGITS = {"〇": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}
_SCALES = {"千": 10**3, "万": 10**4, "億": 10**8}
_KANJI = "".join((*_DIGITS, *_TENS))
_START = r"(?<![a-z0-9.\-_])"
_ROUGHLY = r"\s*(?:約|平均|およそ|だいたい|合計|about\s|だけ|のみ|、|,)?\s*"
_TO = r"(?:に|の|は|で|あたり|当たり|につき|間に|間|、|,)?"

Named = tuple[tuple[str, re.Pattern[str]], ...]


@dataclass(frozen=True, slots=True)
class Patterns:
    """All patterns; named groups are read by schedules.py."""

    rate: re.Pattern[str]
    money: re.Pattern[str]
    terms: Named
    payments: Named
    weekdays_and_days: re.Pattern[str]
    always: re.Pattern[str]
    hour_rhythms: Named
    day_rhythms: Named
    two_days_off: re.Pattern[str]
    weekdays: re.Pattern[str]
    instances: re.Pattern[str]
    gpus: re.Pattern[str]
    words: re.Pattern[str]
    lengths: Named
    asks: Named


@cache
def patterns() -> Patterns:
    """Return the compiled patterns."""
    data = table("usage")
    weekdays = any_of(data["rhythm"]["weekdays"])
    return Patterns(
        rate=_rate(),
        money=_money(),
        terms=_terms(data),
        payments=tuple((key, any_of(words)) for key, words in data["payments"].items()),
        weekdays_and_days=re.compile(
            rf"(?:{weekdays.pattern}){_TO}\s*(?:毎月|月)?\s*(?P<days>{_number()})\s*日(?!間)"
        ),
        always=any_of(data["rhythm"]["always"]),
        hour_rhythms=_hour_rhythms(),
        day_rhythms=_day_rhythms(),
        two_days_off=any_of(data["rhythm"]["two_days_off"]),
        weekdays=weekdays,
        instances=_instances(),
        gpus=_gpus(data),
        words=any_of(data["lengths"]),
        lengths=_lengths(),
        asks=tuple((key, any_of(words)) for key, words in data["asks"].items()),
    )


def number_of(text: str, scale: str | None = None) -> Decimal:
    """Return the value of digits, kanji numerals or an English number word, times a scale (万)."""
    words: dict[str, int] = table("usage")["numbers"]
    word = text.strip()
    if scale is None and word[-1] in _SCALES and word[:-1].replace(".", "").isdigit():
        word, scale = word[:-1], word[-1]
    if word in words:
        value = Decimal(words[word])
    elif set(word) <= set(_KANJI):
        value = Decimal(_kanji(word))
    else:
        value = Decimal(word)
    return value * _SCALES.get(scale or "", 1)


def _kanji(word: str) -> int:
    total, digit = 0, 0
    for character in word:
        if character in _TENS:
            total, digit = total + (digit or 1) * _TENS[character], 0
        else:
            digit = digit * 10 + _DIGITS[character]
    return total + digit


def _number() -> str:
    """Return a pattern of numbers: 8, 2.5, 1千, 十二, three."""
    english = "|".join(sorted(table("usage")["numbers"], key=len, reverse=True))
    digits, kanji = rf"{_START}\d+(?:\.\d+)?[千万億]?", rf"(?<![{_KANJI}])[{_KANJI}]+"
    return rf"(?:{digits}|{kanji}|(?<![a-z])(?:{english})(?=\s))"


def _unit(name: str) -> str:
    """Return a pattern of a unit's words; Latin ones end there."""
    words = sorted(table("usage")["units"][name], key=len, reverse=True)
    return (
        "(?:"
        + "|".join(re.escape(word) + ("(?![a-z])" if word.isascii() else "") for word in words)
        + ")"
    )


def _hours() -> str:
    """Return a pattern of hours, with minutes or a half."""
    return (
        rf"(?P<number>{_number()})\s*{_unit('hour')}(?!\s*(?:あたり|当たり))(?P<half>半)?"
        rf"(?:\s*(?P<minutes>{_number()})\s*{_unit('minute')})?"
    )


def _rate() -> re.Pattern[str]:
    usd, jpy = _unit("usd"), _unit("jpy")
    rate = r"(\d+(?:\.\d+)?)"
    return re.compile(
        rf"1\s*{usd}\s*(?:=|は|が|を|あたり|当たり|、|at)?\s*{rate}\s*{jpy}|"
        rf"(?:ドル円|為替|レート|換算|usd/?jpy|exchange rate|rate)\s*(?:レート)?\s*"
        rf"(?:は|が|を|で|of|=|:|at)?\s*{rate}\s*{jpy}?|"
        rf"{_START}{rate}\s*{jpy}\s*(?:/|per|換算|あたり|to the)\s*(?:1\s*)?{usd}?|"
        rf"\$\s*1\s*=\s*[¥]?\s*{rate}"
    )


def _money() -> re.Pattern[str]:
    """Return a pattern of amounts that are not prices by the hour."""
    usd, jpy = _unit("usd"), _unit("jpy")
    every = "毎月|毎年|毎日|月額|月々|年額|月|年間|年|1日|1か月"
    period = rf"(?P<before>(?:{every})(?:の)?(?:予算)?\s*(?:は|が|に|で)?\s*)?"
    span = "month|year|day|week"
    after = rf"(?P<after>\s*(?:/\s*(?:月|年|日|{span})|(?:per|a|every|each)\s+(?:{span})))?"
    hourly = r"(?!\s*(?:/\s*(?:時|h)|per\s*hour|an\s*hour|毎時|以下で一番|未満))"
    number = r"\d+(?:\.\d+)?"
    return re.compile(
        rf"{period}(?:予算\s*(?:は|が|を|:)?\s*)?(?:"
        rf"(?P<sign>[$¥])\s*(?P<prefixed>{number})(?P<scaled>[千万億])?|"
        rf"{_START}(?P<number>{number})\s*(?P<scale>[千万億])?\s*(?:{usd}|(?P<jpy>{jpy})))"
        rf"(?:\s*の?予算)?{hourly}{after}"
    )


def _terms(data: dict[str, Any]) -> Named:
    """Return the patterns of terms, specific names first; commitments take their years along."""
    order = (
        "ec2-savings-plan",
        "compute-savings-plan",
        "capacity-block",
        "reserved",
        "spot",
        "on-demand",
    )
    years = rf"{_START}(?P<years_%s>[13])\s*(?:年間|年|years?|yr|y)(?:契約|間)?[のの、,\s\-]*"
    found: list[tuple[str, re.Pattern[str]]] = []
    for kind in order:
        words = any_of(data["terms"][kind]).pattern
        if kind in data["defaults"]:
            words = rf"(?:{years % 'before'})?(?:{words})(?:[をはのが、,()\s]*{years % 'after'})?"
        found.append((kind, re.compile(words)))
    return tuple(found)


def _hour_rhythms() -> Named:
    hours, day = (
        _hours(),
        r"(?:1\s*日|一日|毎日|各日|(?<![\d一二三四五六七八九十平毎休終半翌当土曜祝])日)",
    )
    month = r"(?:毎月|1\s*(?:か|ヶ|カ|ヵ)月|(?<![かヶカヵケ箇\d])月)"
    week = r"(?:毎週|1\s*週間|(?<![\d毎])週)"
    per = r"\s*(?:/|per\s|a\s|each\s|every\s)\s*"
    return (
        ("hours_per_week", re.compile(rf"{week}{_TO}{_ROUGHLY}{hours}")),
        ("hours_per_week", re.compile(rf"{hours}{per}(?:week(?!day)|週)")),
        ("hours_per_month", re.compile(rf"{month}{_TO}{_ROUGHLY}{hours}")),
        ("hours_per_month", re.compile(rf"{hours}{per}(?:month|月)")),
        ("hours_per_day", re.compile(rf"(?:{day}){_TO}{_ROUGHLY}{hours}")),
        ("hours_per_day", re.compile(rf"{hours}{per}(?:day|日)(?!s)")),
        (
            "hours_per_day",
            re.compile(
                rf"{hours}(?=\s*(?:on|every|each|per|a)?\s*(?:weekday|business day|working day))"
            ),
        ),
    )


def _day_rhythms() -> Named:
    number = _number()
    month = r"(?:毎月|1\s*(?:か|ヶ|カ|ヵ)月|(?<![かヶカヵケ箇\d])月)"
    return (
        (
            "days_per_week",
            re.compile(
                rf"(?:毎週|1\s*週間|(?<![\d今来先])週){_TO}\s*(?P<days>{number})\s*日(?:間)?|"
                rf"(?P<days2>{number})\s*(?:days?|日)\s*(?:a|per|each|every|/)\s*(?:week|週)"
            ),
        ),
        (
            "days_per_month",
            re.compile(
                rf"{month}{_TO}\s*(?P<days>{number})\s*日(?!間)|"
                rf"(?P<days2>{number})\s*(?:days?|日)\s*(?:a|per|each|every|/)\s*(?:month|月)"
            ),
        ),
    )


def _instances() -> re.Pattern[str]:
    named = r"[a-z]+\d[a-z0-9\-]*\.\w+|[a-z]+\d[a-z0-9.\-]*\s+instances?"
    return re.compile(
        rf"({_number()})\s*{_unit('instance')}(?!\s*(?:あたり|当たり|ごと|types?))|{_START}(\d+)(?=\s+(?:{named}))|"
        rf"(?<=[a-z0-9)])\s*[x×*]\s*(\d+)(?![\d.]|\s*(?:時間|日|hours?|days?))|{_START}(\d+)\s*[x×*]\s*(?=[a-z]+\d)"
    )


def _gpus(data: dict[str, Any]) -> re.Pattern[str]:
    models = "|".join(data["models"]["gpu"])
    return re.compile(
        rf"(?P<number>{_number()})\s*(?:{_unit('gpu')}(?!\s*(?:あたり|当たり|ごと|毎|単価))|"
        rf"(?=[x×\s]\s*(?:nvidia\s)?(?:{models})s?(?![\w.])))"
    )


def _lengths() -> Named:
    number, plus = _number(), r"(?P<plus>\s*(?:と|and\s))?"
    skip = r"(?!\s*(?:あたり|当たり|前|後|以内に|ごと))"
    price = rf"(?!\s*\$?[\d.]+\s*(?:{_unit('usd')}|{_unit('jpy')}))"
    dated = r"(?<!\d月)(?!(?:19|20)\d\d\s*年)"
    found = [("hour", re.compile(_hours() + price + plus))]
    found += [
        (unit, re.compile(rf"{dated}(?P<number>{number})\s*{_unit(unit)}{skip}{plus}"))
        for unit in ("year", "month", "week", "day", "minute")
    ]
    return tuple(found)
