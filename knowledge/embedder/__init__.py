"""Embedders: the packaged one, any sentence-transformers model, or Amazon Bedrock.

load_embedder("") packaged static embeddings, numpy only load_embedder("cl-nagoya/ruri-v3-30m") a
sentence-transformers name or folder load_embedder("bedrock:amazon.titan-embed-text-v2:0")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

BEDROCK = "bedrock:"


class Embedder(Protocol):
    """Turns texts into vectors of length 1."""

    name: str
    """Identifies the vectors: an index built with another name is not comparable."""
    knows_any_text: bool
    """Whether it was trained on general text, so that its similarity counts on any document."""

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per question."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per passage."""
        ...


def load_embedder(name: str = "", *, region: str | None = None) -> Embedder:
    """Return the embedder of that name. Nothing is loaded before it is used."""
    if not name or name == "packaged":
        from knowledge.embedder.static import packaged_embedder

        return packaged_embedder()
    if name.startswith(BEDROCK):
        from knowledge.embedder.bedrock import BedrockEmbedder

        return BedrockEmbedder(name.removeprefix(BEDROCK), region=region)
    from knowledge.embedder.named import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(name)
