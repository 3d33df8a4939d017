"""Figures: the numbers in an answer's Markdown, with their units, possible subjects and labels.

Numbers inside names (g5.xlarge, FP8, RTX PRO 6000), dates, versions and citation marks are not
figures. In a table a cell's subject is its column's (or else its row's) header; in prose it is
the nearest name before the number in the sentence, else the nearest after it, else the last one
named in the text before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from decimal import Decimal

from assistant.numerals import arabic

MASK = "\x01"

_UNITS = (
    "GiB/s",
    "GB/s",
    "TB/s",
    "GiB",
    "TiB",
    "MiB",
    "GB",
    "TB",
    "MB",
    "Gbps",
    "Mbps",
    "Tbps",
    "TFLOPS",
    "PFLOPS",
    "GHz",
    "MHz",
    "USD",
    "ドル",
    "円",
    "%",
    "倍",
    "vCPUs",
    "vCPU",
    "コア",
    "cores",
    "スレッド",
    "threads",
    "GPUs",
    "GPU",
    "基",
    "枚",
    "個",
    "本",
    "件",
    "台",
    "世代",
    "サイズ",
    "sizes",
    "種類",
    "ファミリー",
    "families",
    "リージョン",
    "regions",
    "instance types",
    "時間",
    "times",
    "EFA interfaces",
    *("日間", "日", "か月", "週間", "週", "年間", "年", "JPY"),
    *("hours", "hour", "days", "day", "weeks", "week", "months", "month", "years", "year"),
    *("instances", "instance"),
    *(
        "トークン/秒",
        "tokens/s",
        "トークン",
        "tokens",
        "バイト",
        "bytes",
        "KiB",
        "ms",
        "秒",
        "seconds",
    ),
    *("人", "users", "リクエスト", "requests", "request"),
)
_UNIT = "|".join(
    # Billions and millions of parameters, too.
    (*map(re.escape, sorted(_UNITS, key=len, reverse=True)), "[BM](?![A-Za-z])")
)
_NUMBER = re.compile(
    # Only ASCII letters make a number part of a name (g5, FP8): Japanese ones stand beside figures,
    # and even after an ASCII letter a number with a measure is a figure (VRAM48GB).
    r"(?P<times>[×x]\s*)?(?P<dollar>\$)?"
    r"(?:(?<![A-Za-z0-9_.])(?<![A-Za-z_]-)|"
    r"(?<=[A-Za-z])(?=[\d.,]+\s*(?:[GMT]i?B|[GMT]bps|[TP]FLOPS|GHz|USD|vCPU)))"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![.,]?\d)"
    rf"(?P<scale>\s?(?:[万億千兆]|(?:million|billion|trillion)\b))?\s*(?P<unit>{_UNIT})?"
)
_SCALES = {
    "千": 10**3,
    "万": 10**4,
    "億": 10**8,
    "兆": 10**12,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_NOT_FIGURES = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{4}\s*年(?:\s*\d{1,2}\s*月(?:\s*\d{1,2}\s*日)?)?|\[\d+\]|"
    # Numbers of list items and headings, of steps and of reasons; what a rate is per.
    r"^\s*(?:#+\s*|>\s*)*\d{1,2}[.)]\s|(?:ステップ|手順|[Ss]tep)\s*\d+|\d+\s*つ目|"
    r"(?:理由|選択肢|違い|ポイント|方法|観点|特徴)[はがを]\s*(?:主に|大きく|次の|以下の)?\s*\d+\s*つ|"
    r"\d+\s*つの(?:違い|理由|選択肢|ポイント|方法|観点|点|案)|"
    r"(?<![\d.])1\s*(?:時間|日|か月|ヶ月|年|台|基|枚|GPU)\s*(?:あたり|当たり|ごと)|"
    r"https?://\S+|\(\S+://\S+\)|"
    r"(?i:fp\d+|bf16|tf32|int\d|x86_64|arm64|flashattention-\d|zero-\d|sm_\d+|us-[a-z]+-\d|[a-z]{2}-[a-z]+-\d)|"
    r"(?:\d(?:st|nd|rd|th)(?:/\d(?:st|nd|rd|th))* Gen)|第\s*\d\s*世代|"
    r"Graviton\s*\d\w*|Inferentia\s*\d?|Trainium\s*\d?|Xeon [\w\-]+ ?v?\d?|EPYC \w+|"
    r"NVLink \d|PCIe \d|RDNA \d|Navi \d+|HBM\d\w?|GDDR\d\w?|\d/\d|"
    r"(?:\d+ ?[BM]?\s*[〜~-]\s*)?\d+ ?[BM](?:\s*級|[ -]class)|"
    r"(?<!\d)1 ?(?:枚|台|基|GPU|トークン|リクエスト|パラメータ|ステップ|時間|人)(?=あたり|だけ)|"
    r"100 ?万トークン(?=あたり)"
)
_RANGE = re.compile(r"\s*(?:GiB|GB|TB|USD|Gbps|%|vCPU)?\s*(?:〜|~|～|-|–|から|to)\s*\$?")
_JOINED = re.compile(
    r"[`*\s]*(?:も|と同じく|と同じ|と同様に?|と|および|及び|、|・|,|/|and|&|, and|or)[`*\s]*",
)
_PER_ONE = re.compile(r"[((]\s*1\s*(?:基|枚|GPU|台)[^))]*[))]")
_DIGIT = re.compile(r"\d")
_ALIKE = re.compile(r"[`*\s]*(?:と同じ|と同様|並みの|同様に)")
_FOREIGN_UNIT = re.compile(r"\s*(?:[ァ-ヶ]{2,}|[A-Za-z€£¥]+(?![A-Za-z]*\d))")
_SENTENCE = re.compile(r"(?<=[。！？!?])|(?<=\.)\s+(?=[A-Z])|\n")


@dataclass(frozen=True, slots=True)
class Named:
    """A subject that a text names."""

    start: int
    end: int
    subject: str
    is_gpu: bool


@dataclass(frozen=True, slots=True)
class FigureMention:
    """A number in the text and what it may be about."""

    text: str
    value: Decimal
    decimals: int
    """Digits after the point, as written: the precision that is claimed."""
    unit: str
    subjects: tuple[str, ...]
    label: str
    """The words before the number (and the row's and column's headers) that may name its
    attribute.
    """
    segment: str
    """The sentence or table row that it stands in."""
    cell: int = 0
    """Number of its cell in a table row; 0 in prose."""
    shared: tuple[str, ...] = ()
    """Subjects of which all must have the figure (`g5 も g6 も 24 GB`)."""
    foreign_unit: bool = False
    """Whether a word that is no known unit stands in the unit's place (`1.459 セント`)."""


_NAME = re.compile(
    r"(?<![A-Za-z0-9.\-])(?:RTX PRO(?: Server)? \d+|Radeon Pro V\d+|"
    r"(?:C|P|G|Inf|Trn) ?(?:シリーズ|series)|"
    r"[A-Za-z]+\d[A-Za-z0-9]*(?:[.\-][A-Za-z0-9]+)*)"
)


class NameFinder:
    """Find the names of known subjects in a text."""

    def __init__(self, names: Iterable[tuple[str, str, bool]]) -> None:
        """`names`: spelling, subject, whether it is a GPU."""
        self._index = {spelling.lower(): (subject, gpu) for spelling, subject, gpu in names}

    def find(self, text: str) -> list[Named]:
        """Return the names in order."""
        matches = ((match, self._index.get(match[0].lower())) for match in _NAME.finditer(text))
        return [Named(match.start(), match.end(), *known) for match, known in matches if known]

    def mask(self, text: str) -> str:
        """Return the text, as long as before, with names and numbers that are no figures masked."""
        text = _NAME.sub(self._mask_known, text)
        return _NOT_FIGURES.sub(lambda match: MASK * len(match[0]), text)

    def _mask_known(self, match: re.Match[str]) -> str:
        return MASK * len(match[0]) if match[0].lower() in self._index else match[0]


class FigureReader:
    """Reads an answer's Markdown piece by piece: lines, or sentences of a line."""

    def __init__(self, names: NameFinder) -> None:
        """Start at the beginning of a text."""
        self._names = names
        self._topic: tuple[str, ...] = ()
        self._header: list[str] | None = None
        self._in_line = False

    def read(self, piece: str) -> Iterator[FigureMention]:
        """Yield the figures of the next piece, which ends at the end of a line or a sentence."""
        for line in piece.splitlines(keepends=True):
            yield from self._line(line.rstrip("\n"))
            self._in_line = not line.endswith("\n")

    def fork(self) -> FigureReader:
        """Return a reader at the same place."""
        return copy(self)

    def _line(self, line: str) -> Iterator[FigureMention]:
        if line.startswith("|") and not self._in_line:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if self._header is None:
                self._header = cells
            elif not set(line) <= set("|-: "):
                yield from _row(cells, self._header, self._names, self._topic)
            return
        self._header = None
        for sentence in _SENTENCE.split(line):
            if sentence and sentence.strip():
                yield from _sentence(sentence, self._names, self._topic)
                self._topic = _topic(sentence, self._names) or self._topic


def _row(
    cells: list[str], header: list[str], names: NameFinder, topic: tuple[str, ...]
) -> Iterator[FigureMention]:
    row_subjects = _topic(cells[0], names)
    if not row_subjects and any(map(str.isdigit, cells[0])):
        columns = tuple(subject for title in header[1:] for subject in _topic(title, names))
        label = _PER_ONE.sub("", cells[0])
        yield from _mentions(label, names, columns or topic, "", " | ".join(cells), cell=0)
    for index, cell in enumerate(cells[1:], 1):
        title = header[index] if index < len(header) else ""
        subjects = _topic(title, names) or row_subjects or topic
        label = f"{cells[0]} {title}"
        yield from _mentions(cell, names, subjects, label, " | ".join(cells), cell=index)


def _sentence(sentence: str, names: NameFinder, topic: tuple[str, ...]) -> Iterator[FigureMention]:
    yield from _mentions(sentence, names, topic, "", sentence, cell=0)


def _mentions(
    text: str,
    names: NameFinder,
    fallback: tuple[str, ...],
    label: str,
    segment: str,
    *,
    cell: int,
) -> Iterator[FigureMention]:
    text = arabic(text)
    if not _DIGIT.search(text):
        return
    found, masked = names.find(text), names.mask(text)
    matches = list(_NUMBER.finditer(masked))
    for index, match in enumerate(matches):
        number = match["number"].replace(",", "")
        scale = _SCALES.get((match["scale"] or "").strip(), 1)
        unit = match["unit"] or ("USD" if match["dollar"] else "×" if match["times"] else "")
        after = matches[index + 1] if index + 1 < len(matches) else None
        ranged = _is_range(masked, match, after) or (
            index > 0 and _is_range(masked, matches[index - 1], match)
        )
        if after and not unit and _is_range(masked, match, after):
            unit = after["unit"] or ""
        near = _nearest(found, match.start())
        if ranged and not cell:
            near = tuple(dict.fromkeys((*near, *(name.subject for name in found))))
        only_gpus = all(name.is_gpu for name in found)
        subjects = (*near, *fallback) if cell or only_gpus else near
        yield FigureMention(
            text=match[0].strip(),
            value=Decimal(number) * scale,
            decimals=len(number.partition(".")[2]),
            unit=unit,
            subjects=tuple(dict.fromkeys(subjects)),
            label=f"{label} {text[: match.start()]} {_following(text, match, after)}",
            segment=segment,
            cell=cell,
            shared=() if cell or ranged else _shared(found, text, match.start(), matches, index),
            foreign_unit=not unit and not cell and bool(_FOREIGN_UNIT.match(masked[match.end() :])),
        )


def _following(text: str, match: re.Match[str], after: re.Match[str] | None) -> str:
    """Return the words after a figure that may name its attribute; English puts more between."""
    rest = text[match.end() : after.start() if after else None]
    return rest[:40] if rest[:12].isascii() else rest[:12]


def _is_range(text: str, low: re.Match[str], high: re.Match[str] | None) -> bool:
    """Whether two numbers are the ends of a range (`24〜48 GB`)."""
    return high is not None and bool(_RANGE.fullmatch(text[low.end() : high.start()]))


def _shared(
    found: list[Named], text: str, position: int, matches: list[re.Match[str]], index: int
) -> tuple[str, ...]:
    """Return the names before a figure that the sentence states it of together."""
    begin = matches[index - 1].end() if index else 0
    names = [name for name in found if begin <= name.start < position]
    group = names[-1:]
    alike = bool(names) and bool(_ALIKE.match(text[names[-1].end : position]))
    for left, right in zip(reversed(names[:-1]), reversed(names[1:]), strict=True):
        if not alike and not _JOINED.fullmatch(text[left.end : right.start]):
            break
        group.append(left)
    kinds = {name.is_gpu for name in group}
    return tuple(name.subject for name in group) if len(group) > 1 and len(kinds) == 1 else ()


def _nearest(found: list[Named], position: int) -> tuple[str, ...]:
    """Return the name nearest before the position (and a GPU's machine), else the next after."""
    before = [name for name in found if name.start < position]
    if not before:
        return tuple(name.subject for name in found[:1])
    last = before[-1]
    machine = next((name for name in reversed(before) if not name.is_gpu), None)
    return (last.subject, machine.subject) if last.is_gpu and machine else (last.subject,)


def _topic(text: str, names: NameFinder) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.subject for name in names.find(text)))
