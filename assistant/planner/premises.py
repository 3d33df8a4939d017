"""Premises that take several figures: how many sizes, the same as, nobody but, the cheapest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_SAME = re.compile(r"同じ|おなじ|一緒|等し|変わら(?:ない|ん|な)|同額|\bsame\b|identical|equal")
_DIFFERENT = re.compile(r"違(?!い)|異な|\bdiffer")
_OPEN = re.compile(
    r"何が|なにが|どう|どこが|違いは|違いを|いくら|いくつ|どれ|どの|どっち|どちらが|\bhow\b|\bwhat\b|\bwhich\b"
)
_ONLY_AFTER = re.compile(r"\s*(?:しか|(?:だけ|のみ)(?!で))")
_ONLY_BEFORE = re.compile(r"(?:\bonly|\bjust)\s+(?:the\s+)?$")
_FIRST = re.compile(
    r"(?:一番|1番|最も|もっとも|いちばん)[^、。]{0,10}?(?:安|大き|小さ|速|多|高|広)|最安|最大|最小|最速|最多|"
    r"cheapest|largest|biggest|smallest|fastest|least expensive|the most"
)
_STATED = re.compile(
    r"よね|でしょ|だろ|はず|っけ|合って|本当|ほんと|聞い|思[うっい]|認識|ですか$|なの$|じゃない|じゃなかった|らしい|"
    r"right|correct|isn't|i (?:read|heard|thought)|^is |true"
)
_SCOPED = re.compile(r"gpu|cpu|インスタンス|instance|arm|メモリ|シリーズ|系")
_SIZES = re.compile(
    r"サイズ[^\d、。]{0,8}?(?P<after>\d{1,2})(?![\dx.])\s*(?:種|個|つ|サイズ|段階|通り|まで|だ|で|あ|し|$)|"
    r"(?<![\d.])(?P<before>\d{1,2})\s*(?:種類の|つの|個の)?(?:サイズ|sizes)"
)
_DENIED = re.compile(r"(?:じゃ|では)(?:ない|ありません)(?:です)?(?:よね|はず)|\bnot\b")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name stands, and what kind of thing it names."""

    key: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Premise:
    """Something stated that takes more than one figure to check."""

    kind: Literal["sizes", "same", "only", "first"]
    count: int = 0
    """For `sizes`: how many there are said to be."""
    names: tuple[str, ...] = ()
    """For `only` and `first`: what is said to be alone, or first."""
    denied: bool = False
    """Whether the opposite is stated (`違うよね`)."""


def read_premise(
    text: str, places: Sequence[Place], *, asserted: bool, regions: int, scoped: bool, figures: bool
) -> Premise | None:
    """Return the premise of a clause; None if there is none, or if the question is an open one."""
    if not asserted or _OPEN.search(text):
        return None
    if (match := _SIZES.search(text)) and any(place.kind == "family" for place in places):
        return Premise("sizes", count=int(match["after"] or match["before"]))
    if only := _only(text, places, scoped=scoped):
        return only
    machines = [place for place in places if place.kind in ("instance", "family", "gpu")]
    pair = len({place.key for place in machines}) == 2 or (len(machines) == 1 and regions > 1)
    if pair and not figures and (_SAME.search(text) or _DIFFERENT.search(text)):
        denied = not _SAME.search(text)
        return Premise("same", denied=denied != bool(_DENIED.search(text)))
    return _first(text, places)


def _only(text: str, places: Sequence[Place], *, scoped: bool) -> Premise | None:
    """Read `H100を積むのはp5だけ`: besides the name there must be something it is alone in."""
    alone = [
        place
        for place in places
        if place.kind in ("instance", "family")
        and (_ONLY_AFTER.match(text, place.end) or _ONLY_BEFORE.search(text[: place.start]))
    ]
    if len(alone) != 1 or not (scoped or any(place.kind == "gpu" for place in places)):
        return None
    return Premise("only", names=(alone[0].key,))


def _first(text: str, places: Sequence[Place]) -> Premise | None:
    """Read `東京で一番安いGPUはg4dn.xlargeだよね`: the last machine named is said to be first."""
    machines = [place for place in places if place.kind in ("instance", "family")]
    if not machines or not (_FIRST.search(text) and _STATED.search(text)) or "より" in text:
        return None
    named = [place for place in machines if place.kind == "instance"] or machines
    others = [place for place in places if place not in named]
    if len(named) != 1 or not (others or _SCOPED.search(text)):
        return None
    return Premise("first", names=(named[0].key,))
