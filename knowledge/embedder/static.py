"""The packaged embedder without torch: token vectors averaged with numpy.

Reads the directory that `SentenceTransformer(path)` reads, and gives the same vectors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    Vectors = NDArray[np.float32]

MODEL = Path(__file__).parent / "model"


class StaticEmbedder:
    """Mean of token vectors, scaled to length 1."""

    knows_any_text = False
    """Trained on the glossary alone: on other text its votes count less."""

    def __init__(self, path: Path = MODEL) -> None:
        """Load lazily from `path`."""
        self._path = path
        self.name = f"static:{path.name}" if path != MODEL else "packaged"

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return int(self._weights.shape[1])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per question."""
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per passage."""
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        ids = [
            item.ids or [0]
            for item in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]
        starts = np.cumsum([0] + [len(item) for item in ids[:-1]])
        flat = np.fromiter((token for item in ids for token in item), dtype=np.int64)
        sums = np.add.reduceat(self._weights[flat], starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        return (sums / np.maximum(lengths, 1e-12)).astype(np.float32)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        return Tokenizer.from_file(str(self._path / "tokenizer.json"))

    @cached_property
    def _weights(self) -> Vectors:
        """The embedding matrix. The safetensors format is a JSON header and raw arrays."""
        import numpy as np

        try:
            content = (self._path / "model.safetensors").read_bytes()
            size = int.from_bytes(content[:8], "little")
            header: dict[str, Any] = json.loads(content[8 : 8 + size])
            entry = header["embedding.weight"]
            begin, end = entry["data_offsets"]
            kind = {"F16": np.float16, "F32": np.float32}[entry["dtype"]]
            raw = np.frombuffer(content[8 + size + begin : 8 + size + end], dtype=kind)
            return raw.reshape(entry["shape"]).astype(np.float32)
        except (OSError, ValueError, KeyError) as error:
            raise KnowledgeError(
                f"The embedder at {self._path} cannot be read ({type(error).__name__}); "
                "reinstall the package, or run: python -m knowledge.embedder.train"
            ) from error


@lru_cache(maxsize=1)
def packaged_embedder() -> StaticEmbedder:
    """Return the embedder that ships with the package."""
    return StaticEmbedder()
