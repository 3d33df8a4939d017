"""Numbers written in other ways than with digits, rewritten with digits before figures are read.

Kanji numerals (三十二 GiB), mixed ones (1万2,800円), English words (thirty-two GiB) and fractions
(4 分の 1, 半分). Only beside a unit: 一部 and "one of them" stay words.
"""

from __future__ import annotations

import re
from decimal import Decimal

_DIGITS = {c: i for i, c in enumerate("〇一二三四五六七八九")}
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "億": 10**8, "兆": 10**12}
_MEASURES = (
    r"[KMGTP]i?B|[KMGT]bps|[TP]FLOPS|[GM]Hz|USD|vCPU|GPU|ドル|円|%|パーセント|倍|コア|枚|基|台|時間|"
    r"ギガ|テラ|か月|ヶ月|年間|日間|週間|分の"
)
_KANJI = re.compile(rf"(?<![一-龠〇])[〇一二三四五六七八九十百千万億]+(?=\s*(?:{_MEASURES}))")
_MIXED = re.compile(
    r"(?<![\d.,])(?:\d[\d,]*(?:\.\d+)?[千万億兆]){1,3}\d[\d,]*(?:\.\d+)?(?![\d千万億兆])"
    r"|(?<![\d.,])(?:\d[\d,]*(?:\.\d+)?[千万億兆]){2,3}"
)
_FRACTION = re.compile(r"(?P<below>\d+)\s*分の\s*(?P<above>\d+)")
_HALF = re.compile(r"(?<![前後])半分|(?<![A-Za-z])half(?= (?:of|the|as))")
_ONES = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_BY_TEN = {
    word: 10 * number
    for number, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), 2
    )
}
_WORD = "|".join(
    sorted((*_ONES, *_BY_TEN, "hundred", "thousand", "million"), key=len, reverse=True)
)
_ENGLISH = re.compile(
    rf"\b(?:{_WORD})(?:(?:[\s-]|\sand\s)(?:{_WORD}))*\b(?=[\s-]*(?:"
    r"[KMGT]i?B|gigabytes?|terabytes?|[GM]bps|[TP]FLOPS|USD|dollars?|vCPUs?|GPUs?|cores|times\b|"
    r"per ?cent|%|[A-Z]\d))",
    re.IGNORECASE,
)
_QUICK = re.compile(r"[〇一二三四五六七八九十百千万億半]|分の|[a-z]{3}", re.IGNORECASE)


def arabic(text: str) -> str:
    """Return the text with its numbers in digits."""
    if not _QUICK.search(text):
        return text
    text = _KANJI.sub(lambda match: _plain(_kanji(match[0])), text)
    text = _MIXED.sub(lambda match: _plain(_mixed(match[0])), text)
    text = _FRACTION.sub(_fraction, text)
    text = _HALF.sub("0.5 倍", text)
    return _ENGLISH.sub(lambda match: str(_english(match[0])), text)


def _kanji(text: str) -> int:
    total = section = digit = 0
    for char in text:
        if char in _DIGITS:
            digit = digit * 10 + _DIGITS[char]
        elif char in _TENS:
            section, digit = section + (digit or 1) * _TENS[char], 0
        else:
            total, section, digit = total + (section + digit or 1) * _MYRIADS[char], 0, 0
    return total + section + digit


def _mixed(text: str) -> Decimal:
    total = Decimal(0)
    for number, mark in re.findall(r"(\d[\d,]*(?:\.\d+)?)([千万億兆]?)", text):
        scale = _MYRIADS.get(mark) or _TENS.get(mark) or 1
        total += Decimal(number.replace(",", "")) * scale
    return total


def _fraction(match: re.Match[str]) -> str:
    below = Decimal(match["below"])
    return f"{_plain(round(Decimal(match['above']) / below, 4))} 倍" if below else match[0]


def _english(text: str) -> int:
    total = section = 0
    for word in re.split(r"[\s-]+", text.lower()):
        if word in ("thousand", "million"):
            total, section = total + (section or 1) * (1000 if word == "thousand" else 10**6), 0
        elif word == "hundred":
            section = (section or 1) * 100
        else:
            section += _ONES.get(word, 0) or _BY_TEN.get(word, 0)
    return total + section


def _plain(value: Decimal | int) -> str:
    return format(Decimal(value).normalize(), "f")
