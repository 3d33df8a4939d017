"""Normalise a question: width, case, kana spellings of names, kanji numerals; not its meaning.

ｇ５．ｘｌａｒｇｅ -> g5.xlarge
ピー5 -> p5
エヌビディア -> nvidia
八枚 -> 8枚
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from assistant.planner.vocabulary import spoken_forms, table

MAX_CHARACTERS = 2000
"""What is read of a question; pasted logs are longer, and their beginning names the problem."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2060\ufeff]")
_DASHES = re.compile(r"[‐‑‒–—―−]")
_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_MIN_HIRAGANA = 4
_DIGITS = {"〇": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}
_COUNTERS = "xエ枚台個基本種つ時日月年週円倍コ件ド万億兆b"
_KANJI_NUMBER = re.compile(
    rf"(?:(?<!\d)|(?<=[a-z]\d)|(?<=[a-z]\d\d)|(?<=[a-z]\d\d\d))([{''.join(_DIGITS)}{''.join(_TENS)}]+)(?=[{_COUNTERS}])"
)
_NOT_NUMBERS = re.compile(r"一(?=番|覧|般|緒|致|部|度|時)|十(?=分)|千(?=代田)")


def normalise(text: str) -> str:
    """Return the question in the one spelling that the rest of the planner reads."""
    word = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower()
    word = _DASHES.sub("-", _CONTROL.sub(" ", word))
    word = re.sub(r"(?<=[a-z0-9])[・。](?=[a-z0-9])", ".", word)
    word = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", word)
    word = re.sub(r"(?<=\d)\s+x\s*large", "xlarge", word)
    word = re.sub(r"(?<=[a-z0-9])\s*\.\s+(?=\d*xlarge|large|medium|metal)", ".", word)
    word = re.sub(r"(vram|gpu|memory|ram|cpu|nvme|ssd|ebs|efa)(?=\d)", r"\1 ", word)
    word = re.sub(r"(?<=[a-z])(?=\d+\s*(?:台|枚|基|個))", " ", word)
    word = re.sub(r"(\d)\s*まい", r"\1枚", word)
    word = re.sub(r"(\d)\s*分の\s*(\d)", r"\2/\1", word)
    word = _GENERATION.sub(lambda match: f"{match[1] or match[2]}世代 ", word)
    word = _ENGLISH_NUMBER.sub(lambda match: _ENGLISH[match[0]], word)
    word = re.sub(
        r"how much (?=(?:gpu |system )?(?:memory|vram|ram|network|storage|disk|bandwidth))",
        "",
        word,
    )
    word = re.sub(r"どれ(?=くらい|ぐらい|ほど|だけ)", "いくつ", word)
    word = _SPACED.sub("", _spelled(word))
    word = _written(word)
    return _KANJI_NUMBER.sub(_arabic, _protect(word)).replace("\0", "一").strip()


_GENERATION = re.compile(
    r"(?<![a-z0-9])(?:(\d)(?:st|nd|rd|th)[\s\-]*gen(?:eration)?|gen(?:eration)?[\s\-]*(\d))(?![a-z0-9])"
    r"(?!\s*(?:intel|amd|xeon|epyc|nvlink|tensor))\s*"
)
"""`8th gen` is the generation of a family, unless it is that of a processor or a part."""
_ENGLISH = {
    word: str(number)
    for number, word in enumerate(
        "two three four five six seven eight nine ten eleven twelve sixteen".split(), 2
    )
} | {"sixteen": "16"}
_ENGLISH_NUMBER = re.compile(rf"\b(?:{'|'.join(_ENGLISH)})\b")
_J = "ぁ-んァ-ヶー一-龠"
_SPACED = re.compile(
    rf"(?<=[{_J}]) +(?=[{_J}])|(?<=[a-z0-9]) +(?=[のはがを])|(?<=[のはがを]) +(?=[a-z0-9])"
)


@cache
def _codes() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return the pattern of names spelled letter by letter, and the kana of letters and digits."""
    kana: dict[str, str] = table("spoken")["letters"] | table("spoken")["numbers"]
    letters, numbers = (
        "|".join(sorted(table("spoken")[key], key=len, reverse=True))
        for key in ("letters", "numbers")
    )
    start = rf"(?:{letters}|(?<![a-z])[cpgahbvtl](?![a-z]))"
    rest = rf"(?:{letters}|(?<=\d)[a-z]{{1,2}}(?![a-z]))"
    pattern = rf"{start}[\s・]*(?:{numbers}|\d)(?:[\s・]*(?:{numbers}|\d))*(?:[\s・]*{rest})*"
    return re.compile(pattern), kana


_CODE = re.compile(r"(?:[cpg]r?\d[a-z]{0,3}|[ahbvtl]\d{1,3}[sg]?)")


def _spelled(word: str) -> str:
    """Return the text with names that are spelled in kana written out (シーロクアイ -> c6i)."""
    pattern, kana = _codes()
    tokens = re.compile("|".join(sorted(map(re.escape, kana), key=len, reverse=True)))
    readable = word.translate(_KATAKANA)
    pieces: list[str] = []
    end = 0
    for match in pattern.finditer(readable):
        code = re.sub(r"[\s・]", "", tokens.sub(lambda token: kana[token[0]], match[0]))
        if _CODE.fullmatch(code) and tokens.search(match[0]):
            pieces += [word[end : match.start()], code]
            end = match.end()
    return "".join(pieces) + word[end:]


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


_UNIVERSAL = frozenset(
    (
        "vs gpu gpus cpu vcpu vcpus vram ram efa ebs nvme ssd ec2 aws "
        "xlarge large metal xl llm cuda nvlink"
    ).split()
)
"""Words that Japanese users type too: they say nothing about the language."""


def is_english(text: str) -> bool:
    """Whether the question is English: Latin letters and no Japanese script."""
    japanese = re.search(r"[぀-ヿ㐀-鿿ｦ-ﾟ]", text)
    words = [word.lower() for word in re.findall(r"(?<![\w.])[A-Za-z]{2,}(?![\w.]*\d)", text)]
    return not japanese and any(word not in _UNIVERSAL for word in words)
