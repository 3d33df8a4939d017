"""Negation: what a clause rules out (`GPUなし`, `Arm以外`, `no Arm`) or does not need."""

from __future__ import annotations

import re

_NOT = (
    r"(?:以外|じゃない|ではない|でない|"
    r"(?:は|が|も|を|の)?\s*(?:な[しいく]|無[しいく]|ませ|除|要ら|要り|いら|いりま|不要|抜き|非対応))"
)
_UNNEEDED = re.compile(
    r"\s*(?:は|が|も)?\s*(?:要ら|要り|いら|いりま|不要|なくて(?:も)?(?:いい|よい|良い|可))"
)
_NEGATED_AFTER = re.compile(
    rf"(?:\s*(?:と|や|も|、)\s*[^\s、。]{{1,8}}?)?\s*(?:搭載|付き|対応)?{_NOT}"
)
_NEGATED_BEFORE = re.compile(
    r"(?:\bno|\bnon|\bwithout|\bexcluding|\bexcept|\bnot|n't|don't want(?: anything)?)[\s\-]*$"
)
_LISTED = r"(?:\s*(?:も|と|や|、)\s*[a-z0-9\- ]{2,14})*"
_RULED_OUT = re.compile(
    rf"{_LISTED}\s*(?:以外|(?:は|も|が|を)?\s*(?:要ら|要り|いら|いりま|不要|除|抜き))|(?:系|シリーズ)?ほど"
)
_RULED_OUT_BEFORE = re.compile(
    r"(?:(?:that|which)\s+(?:isn't|aren't)|\bnot|without|except|other than|excluding)"
    r"\s+(?:an?\s+|the\s+)?$"
)


def is_negated(text: str, match: re.Match[str]) -> bool:
    """Whether a word is ruled out (`GPUなし`, `Arm以外`, `no Arm`) rather than asked for."""
    asked = re.match(
        r"[^、。]{0,10}(?:ませんか|ない\?|ないの|ないか|ないです)", text[match.end() :]
    )
    after = _NEGATED_AFTER.match(text, match.end())
    return bool((after and not asked) or _NEGATED_BEFORE.search(text, 0, match.start()))


def is_unneeded(text: str, match: re.Match[str]) -> bool:
    """Whether a property is said not to matter (`NVLinkは要らない`)."""
    return bool(_UNNEEDED.match(text, match.end()))


def is_ruled_out(before: str, after: str) -> bool:
    """Whether a name between the two texts is ruled out (`H100もA100も要らない`, `P系ほど`)."""
    return bool(_RULED_OUT.match(after) or _RULED_OUT_BEFORE.search(before))


_TAG_QUESTION = re.compile(
    r",?\s*(?:does|do|is|are|has|have|can|was)n't\s+(?:it|they|that|this|he)\b|間違って(?:い)?ない|間違いない|"
    r"^(?:is|are|does|do|has|can)n't\b|"
    r"(?:じゃ|では)な(?:い|かった)(?:です|の|ん)*(?:か|っけ|\?|$)|なかった(?:です|でした)?(?:っけ|か(?!ら)|\?|$)|"
    r"ませんでし?た?っけ|なくない"
)
_NEGATED = (
    "ない",
    "なかった",
    "ません",
    "非対応",
    "不可",
    "無い",
    "なし",
    "無し",
    "not ",
    "n't",
    "without",
    "lacks",
)
_ASKED = ("ませんか", "ないか", "ない?", "ないの")
_NOT_THAT = re.compile(
    r"(?:じゃ|では)(?:ない|なかった|ありません)(?:です)?(?:よね|はず|で(?:合|あ)って|と(?:思|聞|い))|"
    r"\bis not\b|\bisn't (?!it\b|that\b)"
)


def denies(text: str) -> bool:
    """Whether a statement says that something is not so; `付いてなかったっけ?` says that it is."""
    claim = _TAG_QUESTION.sub("", text)
    return any(word in claim for word in _NEGATED) and not claim.endswith(_ASKED)


def denies_identity(text: str) -> bool:
    """Whether a statement says that something is not what it names (`T4じゃないですよね`)."""
    return bool(_NOT_THAT.search(_TAG_QUESTION.sub("", text)))
