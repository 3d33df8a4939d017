"""Sentences, table cells and the figures in them, as the glossary's bodies write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from knowledge.glossary_entries import MISTAKE_MARK, Entry

UNITS: dict[str, tuple[tuple[str, Decimal], ...]] = {
    "vCPU": (("vcpus", Decimal(1)),),
    "コア": (("cores", Decimal(1)), ("vcpus", Decimal(1))),
    "GiB": tuple(
        (key, Decimal(1))
        for key in ("memory_gib", "gpu_memory_gib", "gpu_memory_total_gib", "usable_gib")
    ),
    "GB": tuple((key, Decimal(1)) for key in ("gpu_memory_gb", "gpu_memory_total_gb", "nvme_gb")),
    "TB": (("nvme_gb", Decimal("0.001")), ("gpu_memory_total_gb", Decimal("0.001"))),
    "GB/s": (("memory_bandwidth_gb_s", Decimal(1)), ("nvlink_gb_s", Decimal(1))),
    "TB/s": (("memory_bandwidth_gb_s", Decimal("0.001")), ("nvlink_gb_s", Decimal("0.001"))),
    "TFLOPS": tuple(
        (f"tflops_{kind}", Decimal(1)) for kind in ("fp32", "tf32", "fp16", "bf16", "fp8")
    ),
    "Gbps": tuple(
        (key, Decimal(1)) for key in ("network_gbps", "network_baseline_gbps", "ebs_gbps")
    ),
    "GHz": (("clock_ghz", Decimal(1)),),
    "GPU": (("gpu_count", Decimal(1)),),
    "USD": (("usd_per_hour", Decimal(1)),),
}
ALIKE = {"基": "GPU", "枚": "GPU", "ドル": "USD"}
NUMBER = r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)"
_FIGURE = re.compile(
    NUMBER + r"\s*(vCPU|物理コア|コア|GiB|GB/s|TB/s|GB|TB|TFLOPS|Gbps|GHz|GPU(?! ?時間)|基|枚"
    r"|USD(?:/時)?|ドル)"
    r"(?![A-Za-z/])"
)
_SENTENCE = re.compile(r"[。\n]")
_STRUCK = re.compile(r"「[^」]*」")


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence, or a table cell behind its row's and column's titles."""

    text: str
    begin: int = 0
    """Where figures are read from: titles name subjects, they state nothing."""
    is_cell: bool = False
    is_mistake: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with a unit of `UNITS`, and where it stands in its sentence."""

    value: Decimal
    unit: str
    at: int
    end: int


def passages(entry: Entry) -> Iterator[Passage]:
    """Yield the body's sentences and table cells, without what the mistake line quotes as wrong."""
    header: list[str] = []
    body = re.sub(r"(A100-40GB|V100-16GB) / (\d\dGB)", r"\1 / A100-\2", entry.body)
    for line in unicodedata.normalize("NFKC", body).split("\n"):
        if line.startswith("|"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not header:
                header = cells
            elif not set(line) <= set("|-: "):
                yield from _cells(header, cells)
            continue
        header = []
        is_mistake = line.startswith(MISTAKE_MARK)
        text = _STRUCK.sub("", line) if is_mistake else line
        yield from (Passage(part, is_mistake=is_mistake) for part in _SENTENCE.split(text))


def _cells(header: list[str], cells: list[str]) -> Iterator[Passage]:
    """Yield each cell behind its titles; a bare number gets the unit in its column's brackets."""
    for place, (title, cell) in enumerate(zip(header, cells, strict=False)):
        unit = re.search(r"\(([^()]+)\)$", title)
        bare = re.fullmatch(r"[\d,]+(?:\.\d+)?", cell)
        text = f"{cell} {unit[1]}" if unit and bare else cell
        others = " / ".join(other for index, other in enumerate(cells) if index != place)
        titles = f"{title} / {others} | "
        yield Passage(titles + text, begin=len(titles), is_cell=True)


def figures(passage: Passage) -> Iterator[Figure]:
    """Yield the figures of a passage; counts of GPUs only where they say how many there are."""
    for match in _FIGURE.finditer(passage.text, passage.begin):
        unit = match[2].removeprefix("物理").removesuffix("/時")
        unit = ALIKE.get(unit, unit)
        value = Decimal(match[1].replace(",", ""))
        rest = passage.text[match.end() :].lstrip()
        if unit == "GPU" and (
            value == 1 or passage.text[match.start() - 1] == "/" or rest.startswith("あたり")
        ):
            continue
        computed = passage.text[: match.start()].rstrip().endswith(("≒", "÷"))
        if not computed and not rest.startswith("ではなく"):
            yield Figure(value, unit, match.start(), match.end())
