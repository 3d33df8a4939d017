"""Citations of a model's text: ids that tools issued become numbers, everything else is dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from assistant.answer import Citation

_MARK = re.compile(r" ?\[(?P<id>[A-Za-z0-9][\w.:#/\-]{0,80}|\d+)\](?!\()")
_LINK = re.compile(
    r"!?\[(?P<text>[^\]\n]*)\]\((?P<url>[^)\s]+)[^)\n]*\)|(?<![\(\w])(?P<bare>https?://[^\s)）」]+)"
)
_FIELDS = {"id", "title", "url", "as_of"}


def sources_of(artifact: object, *, english: bool = False) -> dict[str, Citation]:
    """Return what an artifact can be cited for: its sources and passages, by id."""
    found = {item["id"]: item for item in _walk(artifact)}
    return {key: _citation(item, english=english) for key, item in found.items()}


def _walk(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        found = cast("Mapping[str, Any]", value)
        if found.keys() >= _FIELDS and isinstance(found["id"], str):
            yield found
        for item in found.values():
            yield from _walk(item)
    elif isinstance(value, list | tuple):
        for item in cast("list[object]", value):
            yield from _walk(item)


def _citation(found: Mapping[str, Any], *, english: bool) -> Citation:
    title = str((english and found.get("title_en")) or found["title"])
    return Citation(
        id=found["id"],
        title=title,
        section=found.get("section") or None,
        source=str(found.get("source") or title),
        url=found["url"] or None,
        as_of=found["as_of"] or None,
        quote=found.get("quote"),
    )


def cited_ids(text: str, known: Mapping[str, Citation]) -> list[str]:
    """Return the known ids that a text cites."""
    return [match["id"] for match in _MARK.finditer(text) if match["id"] in known]


def number_citations(text: str, known: Mapping[str, Citation], order: dict[str, Citation]) -> str:
    """Return the text with `[id]` as `[n]`; unknown ids and addresses are dropped.

    `order` grows by the sources that are cited for the first time.
    """

    def numbered(match: re.Match[str]) -> str:
        citation = known.get(match["id"])
        if citation is None:
            return ""
        order.setdefault(citation.id, citation)
        lead = " " if match[0].startswith(" ") else ""
        return f"{lead}[{list(order).index(citation.id) + 1}]"

    addresses = {citation.url for citation in known.values() if citation.url}

    def linked(match: re.Match[str]) -> str:
        if (match["url"] or match["bare"]) in addresses:
            return match[0]
        return match["text"] or ""

    return _MARK.sub(numbered, _LINK.sub(linked, text))
