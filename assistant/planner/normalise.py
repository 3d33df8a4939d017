"""Normalise a question: width, case, kana spellings of names, kanji numerals. Meaning is not touched.

    ｇ５．ｘｌａｒｇｅ -> g5.xlarge     ピー5 -> p5     エヌビディア -> nvidia     八枚 -> 8枚
"""

from __future__ import annotations

import re
import unicodedata

from assistant.planner.vocabulary import spoken_forms

MAX_CHARACTERS = 8000
"""What is read of a question; pasted logs are longer, and their beginning names the problem."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2060\ufeff]")
_DASHES = re.compile(r"[‐‑‒–—―−]")  # noqa: RUF001 - the dashes that people paste
_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_MIN_HIRAGANA = 4
_DIGITS = {"〇": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}
_COUNTERS = "枚台個基本種つ時日月年週円倍コ件ド"
_KANJI_NUMBER = re.compile(rf"([{''.join(_DIGITS)}{''.join(_TENS)}]+)(?=[{_COUNTERS}])")
_NOT_NUMBERS = re.compile(r"一(?=番|覧|般|緒|致|部|度|時)|十(?=分)|千(?=代田)")


def normalise(text: str) -> str:
    """Return the question in the one spelling that the rest of the planner reads."""
    word = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower()
    word = _DASHES.sub("-", _CONTROL.sub(" ", word))
    word = re.sub(r"(?<=[a-z0-9])[・。](?=[a-z0-9])", ".", word)
    word = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", word)
    word = re.sub(r"(vram|gpu|memory|ram|cpu|nvme|ssd|ebs)(?=\d)", r"\1 ", word)
    word = _written(word)
    return _KANJI_NUMBER.sub(_arabic, _protect(word)).replace("\0", "一").strip()


def _written(word: str) -> str:
    """Replace kana spellings of names; hiragana is read as katakana (えいち100 -> h100)."""
    pattern, spoken = spoken_forms()
    kana = word.translate(_KATAKANA)
    pieces: list[str] = []
    end = 0
    for match in pattern.finditer(kana):
        # Short forms (ドル, ギガ) also stand inside hiragana words (もどる).
        if len(match[0]) < _MIN_HIRAGANA and match[0] != word[match.start() : match.end()]:
            continue
        pieces += [word[end : match.start()], spoken[match[0]]]
        end = match.end()
    return "".join(pieces) + word[end:]


def _protect(word: str) -> str:
    """Hide kanji that look like numerals inside other words (一番)."""
    return _NOT_NUMBERS.sub(lambda match: "\0" if match[0] == "一" else match[0], word)


def _arabic(match: re.Match[str]) -> str:
    total, digit = 0, 0
    for character in match[1]:
        if character in _TENS:
            total += (digit or 1) * _TENS[character]
            digit = 0
        else:
            digit = digit * 10 + _DIGITS[character]
    return f" {total + digit}"  # apart from a name before it: H100一枚


def is_english(text: str) -> bool:
    """Whether the question is English: Latin letters and no Japanese script."""
    japanese = re.search(r"[぀-ヿ㐀-鿿ｦ-ﾟ]", text)
    return not japanese and len(re.findall(r"[A-Za-z]{2,}", text)) >= 2
