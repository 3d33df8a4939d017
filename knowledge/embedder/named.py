"""Any sentence-transformers model by name or folder, with the prefixes that its authors ask for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

PREFIXES: dict[str, tuple[str, str]] = {
    "ruri-v3": ("検索クエリ: ", "検索文書: "),
    "ruri": ("クエリ: ", "文章: "),
    "e5": ("query: ", "passage: "),
}
"""By a part of the model's name: what stands before a question and before a passage."""


class SentenceTransformerEmbedder:
    """A sentence-transformers model."""

    knows_any_text = True

    def __init__(self, name: str) -> None:
        """Load `name` when it is first used."""
        self.name = name
        self._query, self._passage = prefixes_of(name)

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return int(self._model.get_embedding_dimension())

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per question."""
        return self._encode([self._query + text for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per passage."""
        return self._encode([self._passage + text for text in texts])

    def _encode(self, texts: list[str]) -> Vectors:
        # prompt="" keeps a prompt of the model's own configuration from being added to ours.
        found: Vectors = self._model.encode(
            texts,
            prompt="",
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return found.astype("float32")

    @cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise KnowledgeError(
                f"The embedder {self.name!r} needs an extra: pip install 'ask-ec2-ml[st]'"
            ) from error
        try:
            return SentenceTransformer(self.name)
        except (OSError, ValueError) as error:
            raise KnowledgeError(
                f"The embedder {self.name!r} cannot be loaded ({error}); check ASK_EMBEDDER: "
                "a model name of the Hugging Face hub, a folder, or bedrock:MODEL_ID"
            ) from error


def prefixes_of(name: str) -> tuple[str, str]:
    """Return the prefixes of questions and passages for a model; empty where none are asked for."""
    lowered = name.rsplit("/", 1)[-1].lower()
    for part, prefixes in PREFIXES.items():
        if part in lowered:
            return prefixes
    return "", ""
