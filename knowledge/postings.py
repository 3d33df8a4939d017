"""BM25 on disk for ingested documents: numpy arrays that are mapped, not loaded.

Files of a folder: `words.json` (token -> number), the forward index (`rows_*`: tokens of each
passage, kept so that an update never cuts old text again) and the inverted index (`words_*`) with
BM25's term part per posting.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.bm25 import K1, KANA_WEIGHT, B, Scored, idf, is_kana

SMALL = 300
"""Fewer passages weigh words as so many would: three notes cannot tell what is rare."""

Integers = NDArray[np.int64]
Rows = tuple[NDArray[np.int32], NDArray[np.uint16], Integers]
"""Tokens, their counts, and where each passage begins (one more than there are passages)."""


class Postings:
    """An inverted index in a folder."""

    def __init__(self, folder: Path) -> None:
        """Open the index in `folder`; arrays are mapped when first used."""
        self._folder = folder

    def search(
        self, query: Sequence[str], limit: int, allowed: NDArray[np.bool_] | None = None
    ) -> list[Scored]:
        """Return the best passages, best first; `allowed` is a mask over passages."""
        count = self.count
        weights = {word: self._weight(word, count) for word in dict.fromkeys(query)}
        scores = np.zeros(count, dtype=np.float32)
        found: list[tuple[float, NDArray[np.int32]]] = []
        for word, weight in weights.items():
            rows, parts = self._row(word)
            scores[rows] += np.float32(weight) * parts
            found.append((weight, rows))
        if allowed is not None:
            scores[~allowed] = 0
        best = _top(scores, limit)
        total = sum(weights.values()) or 1.0
        return [Scored(int(i), float(scores[i]), _coverage(int(i), found) / total) for i in best]

    @cached_property
    def count(self) -> int:
        """How many passages there are."""
        return len(self._array("rows_starts")) - 1

    @cached_property
    def words(self) -> dict[str, int]:
        """Numbers of the tokens."""
        return json.loads((self._folder / "words.json").read_bytes())

    def rows(self) -> Rows:
        """Return the forward index."""
        return (self._array("rows_words"), self._array("rows_counts"), self._array("rows_starts"))

    def _weight(self, word: str, count: int) -> float:
        return idf(len(self._row(word)[0]), max(count, SMALL)) * (
            KANA_WEIGHT if is_kana(word) else 1.0
        )

    def _row(self, word: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        number = self.words.get(word)
        begin, end = (0, 0) if number is None else self._starts[number : number + 2]
        return self._rows[begin:end], self._parts[begin:end]

    @cached_property
    def _starts(self) -> Integers:
        return self._array("words_starts")

    @cached_property
    def _rows(self) -> NDArray[np.int32]:
        return self._array("words_rows")

    @cached_property
    def _parts(self) -> NDArray[np.float32]:
        return self._array("words_parts")

    def _array(self, name: str) -> Any:
        return np.load(self._folder / f"{name}.npy", mmap_mode="r")


def build(
    folder: Path,
    documents: Iterable[Sequence[str]],
    old: Postings | None = None,
    kept: Sequence[int] = (),
) -> None:
    """Write an index of the `kept` passages of `old`, in that order, and then of `documents`."""
    folder.mkdir(parents=True, exist_ok=True)
    words = dict(old.words) if old else {}
    ids, counts, starts = _joined(_kept_rows(old, kept), _new_rows(documents, words))
    (folder / "words.json").write_text(json.dumps(words, ensure_ascii=False), "utf-8")
    np.save(folder / "rows_words.npy", ids)
    np.save(folder / "rows_counts.npy", counts)
    np.save(folder / "rows_starts.npy", starts)
    _invert(folder, ids, counts, starts, len(words))


def _invert(
    folder: Path, ids: NDArray[np.int32], counts: NDArray[np.uint16], starts: Integers, size: int
) -> None:
    """Write the inverted index: postings by token, passages ascending."""
    sizes = np.diff(starts)
    owners = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    lengths = np.bincount(owners, weights=counts, minlength=len(sizes)).astype(np.float32)
    norms = K1 * (1 - B + B * lengths / (lengths.mean() or 1.0)) if len(lengths) else lengths
    tf = counts.astype(np.float32)
    parts = (tf * np.float32(K1 + 1) / (tf + norms[owners].astype(np.float32))).astype(np.float32)
    order = np.argsort(ids, kind="stable")
    np.save(folder / "words_rows.npy", owners[order])
    np.save(folder / "words_parts.npy", parts[order])
    ends = np.cumsum(np.bincount(ids, minlength=size))
    np.save(folder / "words_starts.npy", np.concatenate([[0], ends]).astype(np.int64))


def _new_rows(documents: Iterable[Sequence[str]], words: dict[str, int]) -> Rows:
    """Return the forward index of new passages; new tokens are added to `words`."""
    ids, counts, sizes = list[NDArray[np.int32]](), list[NDArray[np.uint16]](), [0]
    for document in documents:
        row = Counter(document)
        ids.append(np.fromiter((words.setdefault(w, len(words)) for w in row), np.int32, len(row)))
        counts.append(np.fromiter((min(n, 65_535) for n in row.values()), np.uint16, len(row)))
        sizes.append(len(row))
    return (
        np.concatenate([*ids, np.empty(0, np.int32)]),
        np.concatenate([*counts, np.empty(0, np.uint16)]),
        np.cumsum(sizes, dtype=np.int64),
    )


def _kept_rows(old: Postings | None, kept: Sequence[int]) -> Rows:
    if old is None or not kept:
        return np.empty(0, np.int32), np.empty(0, np.uint16), np.zeros(1, np.int64)
    ids, counts, starts = old.rows()
    chosen = np.asarray(kept, dtype=np.int64)
    sizes = (starts[1:] - starts[:-1])[chosen]
    ends = np.cumsum(sizes)
    # Where every kept token stands in the old arrays: its passage's begin plus its place there.
    places = np.repeat(starts[:-1][chosen] - (ends - sizes), sizes) + np.arange(int(sizes.sum()))
    return ids[places], counts[places], np.concatenate([[0], ends]).astype(np.int64)


def _joined(first: Rows, second: Rows) -> Rows:
    return (
        np.concatenate([first[0], second[0]]),
        np.concatenate([first[1], second[1]]),
        np.concatenate([first[2], second[2][1:] + first[2][-1]]),
    )


def _top(scores: NDArray[np.float32], limit: int) -> Integers:
    """Return the places of the best positive scores, best first, ties by place."""
    if len(scores) > limit:
        cut = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        places = np.flatnonzero(scores >= max(float(cut), 1e-9))
    else:
        places = np.flatnonzero(scores > 0)
    return places[np.lexsort((places, -scores[places]))][:limit]


def _coverage(place: int, found: list[tuple[float, NDArray[np.int32]]]) -> float:
    covered = 0.0
    for weight, rows in found:
        at = int(np.searchsorted(rows, place))
        covered += weight if at < len(rows) and rows[at] == place else 0.0
    return covered
