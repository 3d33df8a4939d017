"""What the composers share: wording, citations, and the text under construction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from assistant.answer import Citation, Reason
from assistant.planner.compose.phrases import Phrases
from knowledge.ec2.schema import Source
from tools.profiles import InstanceProfile, Quote

STALE_DAYS = 365
"""On-demand prices older than this carry a warning (design: decision 5)."""


@dataclass(slots=True)
class Draft:
    """An answer being written: blocks of Markdown in order, and what stands behind them."""

    say: Phrases
    today: date
    blocks: list[str] = field(default_factory=list[str])
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    quoted: list[str] = field(default_factory=list[str])
    """Curated sentences taken over word for word, figures included."""
    passages: list[Citation] = field(default_factory=list[Citation])
    """Passages of the glossary that the text quotes."""
    price_days: set[date] = field(default_factory=set[date])
    spot_days: set[date] = field(default_factory=set[date])
    estimated: bool = False
    abstained: bool = False
    reason: Reason | None = None
    suggestions: list[str] = field(default_factory=list[str])

    def add(self, *blocks: str) -> None:
        """Append blocks; empty ones are dropped."""
        self.blocks.extend(block for block in blocks if block)

    def phrase(self, key: str, **values: object) -> None:
        """Append a phrase as a block. One without blanks is curated text, figures included."""
        text = self.say(key, **values)
        if self.say.is_fixed(key):
            self.phrase_text(text)
        else:
            self.add(text)

    def phrase_text(self, text: str) -> None:
        """Append curated text, figures included."""
        self.quoted.append(text)
        self.add(text)

    def decline(self, key: str, reason: Reason, **values: object) -> None:
        """Append a refusal and mark the answer as an abstention."""
        self.phrase(key, **values)
        self.abstained, self.reason = True, reason

    def cite(self, sources: Iterable[Source]) -> None:
        """Cite sources of specifications."""
        self.sources |= {source.id: source for source in sources}

    def cite_prices(self, items: Iterable[InstanceProfile], *, region: str | None = None) -> None:
        """Cite the sources of the on-demand prices of the items, and note their dates."""
        for item in items:
            self.cite_quote(item.quote("on-demand", region))

    def cite_quote(self, quote: Quote | None) -> None:
        """Cite the source of a price."""
        if quote is None or quote.source is None:
            return
        self.sources[quote.source.id] = quote.source
        if quote.term == "spot":
            self.spot_days.add(quote.source.as_of)
        else:
            self.price_days.add(quote.source.as_of)
            self.estimated = self.estimated or quote.source.estimated

    def quote_curated(self, text: str | None, *, bullet: str = "") -> None:
        """Append a curated sentence as it stands."""
        if text:
            self.quoted.append(text)
            self.add(f"{bullet}{text}")

    def table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Append a Markdown table."""
        lines = [_row(header), "|" + "---|" * len(header), *(_row(row) for row in rows)]
        if len(lines) > 2:
            self.add("\n".join(lines))

    def citations(self) -> list[Citation]:
        """Return the citations in the order of their numbers."""
        english = self.say.language == "en"
        return self.passages + [
            Citation(
                id=source.id,
                title=source.title_en if english else source.title,
                source=source.title_en if english else source.title,
                url=source.url,
                as_of=source.as_of,
            )
            for source in self.sources.values()
        ]

    def price_notes(self) -> str:
        """Return what the reader must know about the prices above; empty without prices."""
        notes: list[str] = []
        if self.price_days:
            notes.append(self.say("price_note", dates=span(self.price_days)))
        if self.estimated:
            notes.append(self.say("price_note_estimate"))
        if self.spot_days:
            notes.append(self.say("spot_note", dates=span(self.spot_days)))
        if self.stale:
            notes.append(self.say("stale_price"))
        return ("" if self.say.language == "ja" else " ").join(notes)

    @property
    def stale(self) -> bool:
        """Whether a price is older than `STALE_DAYS`."""
        return any((self.today - day).days > STALE_DAYS for day in self.price_days)


def span(days: Iterable[date]) -> str:
    """Return a day, or the first and the last of several."""
    ordered = sorted(days)
    first, last = ordered[0].isoformat(), ordered[-1].isoformat()
    return first if first == last else f"{first}〜{last}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
