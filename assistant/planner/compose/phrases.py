"""The planner's wording: phrases by key, and values in the notation of the language."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from assistant.answer import Language
from assistant.planner.vocabulary import table
from knowledge.ec2.schema import NotOffered, Price, Region
from tools.attributes import BY_KEY, Attribute, Value
from tools.profiles import Quote

_FRACTIONS = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2"}
_GROUPED_FROM = 1000
_ESTIMATE = Decimal("0.00001")
"""Estimates are good to about 0.0005 USD; more digits than a price list has would pretend
otherwise.
"""


class Phrases:
    """Phrases and notation of one language."""

    def __init__(self, language: Language, regions: dict[str, Region]) -> None:
        """Use the phrases of `language` and the names of `regions`."""
        self.language: Language = language
        self._phrases: dict[str, str] = table("phrases")[language]
        self._regions = regions

    def __call__(self, key: str, **values: object) -> str:
        """Return the phrase `key` with the values filled in."""
        return self._phrases[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a phrase of that name."""
        return key in self._phrases

    def is_fixed(self, key: str) -> bool:
        """Whether a phrase has no blanks to fill in."""
        return "{" not in self._phrases[key]

    def region(self, code: str) -> str:
        """Return the name of a region."""
        region = self._regions.get(code)
        if region is None:
            return code
        return region.name if self.language == "ja" else region.name_en

    def label(self, attribute: Attribute | str) -> str:
        """Return the label of an attribute."""
        found = BY_KEY[attribute] if isinstance(attribute, str) else attribute
        return found.ja if self.language == "ja" else found.en

    def listed(self, names: Any) -> str:
        """Return names joined as a list."""
        return self("sep").join(names)

    def value(self, attribute: Attribute | str, value: Value | None) -> str:
        """Return a value with its unit; yes/no words for flags."""
        found = BY_KEY[attribute] if isinstance(attribute, str) else attribute
        if value is None or (value == 0 and not isinstance(value, bool)):
            return self("none")
        if isinstance(value, bool):
            return self("yes" if value else "no")
        if isinstance(value, str):
            return value
        if found.key == "nvlink_generation":
            return number(value)
        unit = _ENGLISH_UNITS.get(found.unit, found.unit) if self.language == "en" else found.unit
        rate = "/時" if found.unit == "USD" and self.language == "ja" else ""
        return f"{number(value)} {unit}{rate}".strip()

    def price(self, quote: Quote | None) -> str:
        """Return a quote as a price, or as the reason why there is none."""
        if quote is None:
            return self("unpriced")
        purchase = quote.purchase
        if isinstance(purchase, Price):
            if quote.source and quote.source.estimated:
                return self(
                    "per_hour_estimate",
                    usd=number(purchase.usd_per_hour.quantize(_ESTIMATE), money=True),
                )
            return self("per_hour", usd=number(purchase.usd_per_hour, money=True))
        if isinstance(purchase, NotOffered):
            if purchase.last_known:
                return self("last_known", usd=number(purchase.last_known.usd_per_hour, money=True))
            return self("not_offered")
        return self("unpriced")


_ENGLISH_UNITS = {
    "基": "GPUs",
    "vCPU": "vCPUs",
    "コア": "cores",
    "スレッド": "threads",
    "本": "",
    "個": "",
    "世代": "",
    "件": "",
}


_JAPANESE = "ぁ-んァ-ヶー一-龠々"
_GAP = re.compile(rf"(?<=[{_JAPANESE}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[{_JAPANESE}])")
_AFTER_BRACKET = re.compile(rf"\) (?=[{_JAPANESE}])")
_QUOTED = re.compile(r"(「[^」]*」)")


def spaced(text: str) -> str:
    """Return text with a space between Japanese and Latin script, except in quotations."""
    parts = _QUOTED.split(text)
    parts[::2] = [_AFTER_BRACKET.sub(")", _GAP.sub(" ", part)) for part in parts[::2]]
    return "".join(parts)


def number(value: Value, *, money: bool = False) -> str:
    """Return a number without needless digits: 22.35 GiB as 22.4, money exactly as it is."""
    exact = Decimal(str(value))
    if not money:
        # Never more than 1 % off, which is what the number lock allows.
        step = "0.1" if exact >= 10 else "0.01" if exact >= 1 else "0.001"
        exact = exact.quantize(Decimal(step), ROUND_HALF_UP)
    text = format(exact.normalize(), "f")
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}" if abs(exact) >= _GROUPED_FROM else text


def fraction(partition: float) -> str:
    """Return the share of a GPU as people write it."""
    return _FRACTIONS.get(partition, number(partition))


def short(key: str) -> str:
    """Return a GPU key without its memory size, where that is said beside it."""
    return re.sub(r"-\d+GB$", "", key)


def display(key: str) -> str:
    """Return a family or GPU key as people write it: `g4dn` -> `G4dn`, `p6-b200` -> `P6-B200`."""
    if key != key.lower() or "." in key:
        return key
    head, dash, tail = key.partition("-")
    return head[:1].upper() + head[1:] + dash + (tail.upper() if tail.startswith("b") else tail)
