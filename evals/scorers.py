"""Deterministic scorers: pure functions of the Answer JSON and of what the case expects.

Each scorer returns None where it does not apply. A case passes when no scorer fails.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.dataset import Amount, Case, ExpectedFigure
from evals.reading import COUNTED, UNITS, Quantity, quantities, table_rows

AnswerJson = Mapping[str, Any]
Finding = str | None
"""What is wrong, or None if nothing is."""

ROUNDING = 0.01
"""Display may round a figure to its last shown digit, up to this share of it."""
PRECISION = 0.001
"""An expected value may itself be rounded at its last digit, up to this share of it."""
HIRAGANA_SHARE = 0.02
"""More than this share of hiragana makes a text Japanese; quoted names are kanji or katakana."""

_HIRAGANA = re.compile(r"[ぁ-ん]")
_LETTER = re.compile(r"[^\W\d_]")
_YES = re.compile(r"^(はい|ええ|そのとおり|その通り|正しい|合って|yes\b|correct\b|right\b)")
_NO = re.compile(r"^(いいえ|いえ|違い|誤り|正しくは|実際に?は|残念ながら|no\b|incorrect\b|not\b)")
_NOTICE = re.compile(r"解釈|読み替え|とみなし|interpret|assum")
_SENTENCE_END = re.compile(r"[。\n]|(?<=[A-Za-z)])[.!](?=\s|$)")
_DENIAL = re.compile(
    r"ません|ではな|じゃな|でなく|異な|ない|違い|誤り|非対応|未対応|未提供|不可|なし[。です]"
    r"|\bnot\b|n't\b|\bno\b|\bnone\b|incorrect|unsupported|unavailable"
)
_ASSURANCE = re.compile(r"(間違い|問題|相違)(は)?(ありません|ない)")


@dataclass(frozen=True)
class Score:
    """The outcome of one scorer on one case."""

    name: str
    passed: bool
    detail: str = ""


def score(answer: AnswerJson, case: Case) -> list[Score]:
    """Apply every scorer that has something to say about the case."""
    scores: list[Score] = []
    for name, (applies, check) in SCORERS.items():
        if applies(case):
            finding = check(answer, case)
            scores.append(Score(name, finding is None, finding or ""))
    return scores


def figures(answer: AnswerJson, case: Case) -> Finding:
    """Every expected figure is shown, in the same or a convertible unit."""
    shown = quantities(_text(answer))
    missing = [figure for figure in case.expect.figures if not _is_shown(figure, shown)]
    return _listing("missing", [f"{figure.value:g} {figure.unit}" for figure in missing])


def names(answer: AnswerJson, case: Case) -> Finding:
    """One spelling of each expected name appears."""
    text = _text(answer)
    missing = [group for group in case.expect.names if not any(contains(text, n) for n in group)]
    return _listing("missing", [" or ".join(group) for group in missing])


def forbidden(answer: AnswerJson, case: Case) -> Finding:
    """Nothing forbidden appears."""
    text = _text(answer)
    return _listing("says", [item for item in case.expect.forbidden if contains(text, item)])


def abstention(answer: AnswerJson, case: Case) -> Finding:
    """The assistant abstains where it must and answers where it can."""
    abstained = bool(answer["abstained"])
    if abstained == case.expect.abstain:
        return None
    return "abstained" if abstained else "did not abstain"


def verdict(answer: AnswerJson, case: Case) -> Finding:
    """The first sentence confirms a right premise and denies a wrong one."""
    given = read_verdict(_text(answer))
    if answer["abstained"]:
        return "abstained from a verdict"
    return None if given == case.expect.verdict else f"reads as {given}"


def language(answer: AnswerJson, case: Case) -> Finding:
    """The answer is in the language of the question."""
    found = read_language(_text(answer))
    declared = answer["language"]
    if (found, declared) == (case.language, case.language):
        return None
    return f"text is {found}, declared {declared}"


def citation(answer: AnswerJson, case: Case) -> Finding:
    """There are sources, and each mark in the text points at one."""
    count = len(answer["citations"])
    marks = [
        int(mark) for mark in re.findall(r"(?<![A-Za-z0-9])\[(\d{1,2})\](?!\()", _text(answer))
    ]
    dangling = sorted({mark for mark in marks if not 1 <= mark <= count})
    if dangling:
        return _listing("no source for", [f"[{mark}]" for mark in dangling])
    return "no citation" if case.expect.citation and not count else None


def support(answer: AnswerJson, case: Case) -> Finding:
    """The assistant raised no unsupported figure."""
    del case
    raised = [str(w) for w in answer["warnings"] if re.search(r"unsupported|裏付け", str(w))]
    if answer["reason"] == "unsupported_figure":
        raised.append("reason unsupported_figure")
    return _listing("unsupported", raised)


def form(answer: AnswerJson, case: Case) -> Finding:
    """The Markdown is not empty, its tables are even and its code blocks are closed."""
    del case
    text = str(answer["answer"])
    if not text.strip():
        return "empty answer"
    if any(len({len(row) for row in rows}) > 1 for rows in table_rows(text)):
        return "uneven table"
    return "open code block" if text.count("```") % 2 else None


def tools(answer: AnswerJson, case: Case) -> Finding:
    """Every expected tool was called without an error."""
    called = {str(call["name"]) for call in answer["tool_calls"] if call["ok"]}
    return _listing("not called", [name for name in case.expect.tools if name not in called])


def artifact(answer: AnswerJson, case: Case) -> Finding:
    """Files are attached where code can be handed out and withheld where it must not be."""
    attached = bool(answer["artifacts"])
    if attached == case.expect.artifact:
        return None
    return "attached files" if attached else "attached no file"


def contains(text: str, wanted: str) -> bool:
    """Whether a name, or the pattern after `re:`, appears as a whole word."""
    if wanted.startswith("re:"):
        return re.search(wanted[3:], text, re.IGNORECASE) is not None
    word = re.escape(unicodedata.normalize("NFKC", wanted))
    return re.search(rf"(?<![a-z0-9]){word}(?![a-z0-9])", text, re.IGNORECASE) is not None


def read_verdict(text: str) -> str:
    """Read yes or no from the first sentence, past a notice of how the question was read."""
    parts = [part.strip("*#>- ").lower() for part in _SENTENCE_END.split(text)]
    first = next((part for part in parts if part and not _NOTICE.search(part)), "")
    if _YES.search(first) or _ASSURANCE.search(first):
        return "yes"
    return "no" if _NO.search(first) or _DENIAL.search(first) else "yes"


def read_language(text: str) -> str:
    """Tell Japanese from English by the share of hiragana."""
    prose = re.sub(r"```.*?```|https?://\S+", " ", text, flags=re.DOTALL)
    letters = len(_LETTER.findall(prose)) or 1
    return "ja" if len(_HIRAGANA.findall(prose)) / letters > HIRAGANA_SHARE else "en"


def _text(answer: AnswerJson) -> str:
    return unicodedata.normalize("NFKC", str(answer["answer"])).replace("**", "").replace("`", "")


def _is_shown(figure: ExpectedFigure, shown: Sequence[Quantity]) -> bool:
    amounts: tuple[Amount, ...] = (figure, *figure.also)
    return any(_matches(amount, figure.tolerance, item) for amount in amounts for item in shown)


def _matches(expected: Amount, tolerance: float, shown: Quantity) -> bool:
    slack = min(0.5 * 10.0**-shown.decimals, ROUNDING * shown.value)
    if expected.unit in COUNTED:
        return shown.counts(expected.unit) and shown.value == expected.value
    dimension, factor = UNITS[expected.unit]
    own = tolerance + min(0.5 * _last_digit(expected.value), PRECISION * expected.value)
    for unit in shown.units():
        other, scale = UNITS[unit]
        room = own * factor + slack * scale
        if other == dimension and abs(shown.value * scale - expected.value * factor) <= room:
            return True
    return False


def _last_digit(value: float) -> float:
    decimals = f"{value:.6f}".rstrip("0").partition(".")[2]
    return 10.0 ** -len(decimals)


def _listing(label: str, items: Sequence[str]) -> Finding:
    return f"{label}: {', '.join(items)}" if items else None


SCORERS: dict[str, tuple[Callable[[Case], bool], Callable[[AnswerJson, Case], Finding]]] = {
    "figures": (lambda case: bool(case.expect.figures), figures),
    "names": (lambda case: bool(case.expect.names), names),
    "forbidden": (lambda case: bool(case.expect.forbidden), forbidden),
    "abstention": (lambda case: case.expect.abstain is not None, abstention),
    "verdict": (lambda case: case.expect.verdict is not None, verdict),
    "tools": (lambda case: bool(case.expect.tools), tools),
    "artifact": (lambda case: case.expect.artifact is not None, artifact),
    "language": (lambda case: True, language),
    "citation": (lambda case: True, citation),
    "support": (lambda case: True, support),
    "form": (lambda case: True, form),
}
