"""Embeddings from Amazon Bedrock: Titan (one text a call) and Cohere (up to 96 texts a call)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from knowledge.errors import KnowledgeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

COHERE_BATCH = 96  # the API's limit of texts in a request
TITAN_CHARS = 40_000  # below the API's 50,000 characters
COHERE_CHARS = 2_000  # below its 2,048


class BedrockEmbedder:
    """A Bedrock embedding model."""

    knows_any_text = True

    def __init__(self, model_id: str, *, region: str | None = None, client: Any = None) -> None:
        """Use `model_id` in `region`; credentials come from boto3's usual chain."""
        self.name = f"bedrock:{model_id}"
        self._model_id = model_id
        self._region = region
        if client is not None:
            self._client = client

    @property
    def dimensions(self) -> int:
        """Length of the vectors (asks the service once)."""
        return int(self.encode_queries(["?"]).shape[1])

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per question."""
        return self._encode(texts, "search_query")

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per passage."""
        return self._encode(texts, "search_document")

    def _encode(self, texts: Sequence[str], purpose: str) -> Vectors:
        import numpy as np

        rows = self._cohere(texts, purpose) if "cohere" in self._model_id else self._titan(texts)
        found = np.asarray(rows, dtype=np.float32)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)

    def _titan(self, texts: Sequence[str]) -> list[list[float]]:
        return [self._invoke({"inputText": text[:TITAN_CHARS]})["embedding"] for text in texts]

    def _cohere(self, texts: Sequence[str], purpose: str) -> list[list[float]]:
        rows: list[list[float]] = []
        for begin in range(0, len(texts), COHERE_BATCH):
            batch = [text[:COHERE_CHARS] for text in texts[begin : begin + COHERE_BATCH]]
            found: Any = self._invoke({"texts": batch, "input_type": purpose})["embeddings"]
            rows += found["float"] if "float" in found else found  # v4 groups them by type
        return rows

    def _invoke(self, body: dict[str, Any]) -> dict[str, Any]:
        from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
            BotoCoreError,
            ClientError,
        )

        try:
            reply = self._client.invoke_model(
                modelId=self._model_id,
                body=json.dumps(body),
                contentType="application/json",
                accept="application/json",
            )
        except (BotoCoreError, ClientError) as error:
            raise KnowledgeError(
                f"Bedrock did not embed with {self._model_id!r} ({error}); check the credentials, "
                "the region and access to the model, or unset ASK_EMBEDDER for the packaged one"
            ) from error
        return json.loads(reply["body"].read())

    @cached_property
    def _client(self) -> Any:
        import boto3  # pyright: ignore[reportMissingTypeStubs]

        service: Any = boto3
        return service.client("bedrock-runtime", region_name=self._region)
