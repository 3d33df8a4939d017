"""Vectors of the glossary: the shipped ones are current, others are kept where they may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from knowledge.embedder.static import StaticEmbedder, packaged_embedder
from knowledge.glossary_index import load_glossary
from knowledge.glossary_vectors import PACKAGED, digest, glossary_texts, load_vectors

TEXTS = glossary_texts(load_glossary())


class Other(StaticEmbedder):
    """The packaged vectors under another name."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "other"


def test_the_shipped_vectors_belong_to_the_glossary_and_the_model() -> None:
    with np.load(PACKAGED) as stored:
        assert str(stored["digest"]) == digest(), "run: python -m knowledge.glossary_vectors"
        assert len(stored["vectors"]) == len(TEXTS)
    texts = [text for _, text in TEXTS[:50]]
    fresh = packaged_embedder().encode_passages(texts)
    shipped = load_vectors(packaged_embedder(), TEXTS, None)[:50]
    assert float(np.abs(fresh - shipped).max()) < 0.002


def test_another_embedders_vectors_are_kept_and_read_again(tmp_path: Path) -> None:
    first = load_vectors(Other(), TEXTS, tmp_path)
    (kept,) = tmp_path.iterdir()
    assert np.allclose(load_vectors(Other(), TEXTS, tmp_path), first, atol=0.002)
    kept.write_bytes(b"damaged")
    assert np.allclose(load_vectors(Other(), TEXTS, tmp_path), first, atol=0.002)


def test_without_a_cache_nothing_is_written(tmp_path: Path) -> None:
    before = list(tmp_path.iterdir())
    load_vectors(Other(), TEXTS, None)
    assert list(tmp_path.iterdir()) == before
