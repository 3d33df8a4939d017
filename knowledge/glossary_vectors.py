"""Vectors of the packaged glossary: shipped for the packaged embedder, cached for any other.

python -m knowledge.glossary_vectors     write glossary/vectors.npz after a change of the glossary
or of the embedder (`make embedder` does it, too)
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.embedder.static import MODEL, packaged_embedder
from knowledge.glossary_index import FOLDER, INDEX, GlossaryIndex, load_glossary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge.embedder import Embedder, Vectors

PACKAGED = FOLDER / "vectors.npz"


def glossary_texts(glossary: GlossaryIndex) -> list[tuple[str, str]]:
    """Return (entry, text) for every text that stands for an entry in vector search."""
    found: list[tuple[str, str]] = []
    for entry_id in glossary.ids:
        head = glossary.get(entry_id)
        assert head is not None
        texts = [
            *(f"{chunk.title} {chunk.section} {chunk.text}" for chunk in glossary.chunks(entry_id)),
            *head.questions,
            f"{head.ja} {head.summary}",
            head.summary_en,
            " ".join((head.ja, head.en, *head.aliases)),
        ]
        found += [(entry_id, text) for text in texts]
    return found


def load_vectors(
    embedder: Embedder, texts: Sequence[tuple[str, str]], cache: Path | None
) -> Vectors:
    """Return one vector per text of the packaged glossary.

    Args:
        embedder: Whose vectors; those of the packaged one ship with the package.
        texts: What `glossary_texts` returns.
        cache: Directory in which another embedder's vectors are kept; None keeps nothing.
    """
    import numpy as np

    if embedder.name == packaged_embedder().name:
        if (found := _read(PACKAGED, len(texts))) is not None:
            return found
        return embedder.encode_passages([text for _, text in texts])
    path = cache / f"glossary-{digest(embedder.name)}.npz" if cache else None
    if path and (found := _read(path, len(texts), embedder.name)) is not None:
        return found
    vectors = embedder.encode_passages([text for _, text in texts])
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, vectors, embedder.name)
    return vectors.astype(np.float32)


def digest(name: str = "packaged") -> str:
    """Return what the vectors depend on: the glossary, the packaged model and the embedder."""
    found = hashlib.sha256(name.encode())
    for path in (FOLDER / INDEX, MODEL / "model.safetensors", MODEL / "tokenizer.json"):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def write_packaged() -> None:
    """Write the vectors that ship with the package."""
    texts = [text for _, text in glossary_texts(load_glossary())]
    _write(PACKAGED, packaged_embedder().encode_passages(texts), "packaged")


def _read(path: Path, count: int, name: str = "packaged") -> Vectors | None:
    import numpy as np

    try:
        with np.load(path) as stored:
            fits = str(stored["digest"]) == digest(name) and len(stored["vectors"]) == count
            return stored["vectors"].astype(np.float32) if fits else None
    except (OSError, ValueError, KeyError):
        return None


def _write(path: Path, vectors: Vectors, name: str) -> None:
    import numpy as np

    new = path.with_suffix(f".{os.getpid()}.tmp")
    with new.open("wb") as stream:
        np.savez(stream, vectors=vectors.astype(np.float16), digest=np.array(digest(name)))
    new.replace(path)


if __name__ == "__main__":
    write_packaged()
