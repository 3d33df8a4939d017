"""Embedders: the packaged one, sentence-transformers models by name, and Bedrock."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.embedder import load_embedder
from knowledge.embedder.bedrock import BedrockEmbedder
from knowledge.embedder.named import SentenceTransformerEmbedder, prefixes_of
from knowledge.embedder.pairs import read_paraphrases, training_questions
from knowledge.embedder.static import MODEL, StaticEmbedder
from knowledge.errors import KnowledgeError
from knowledge.glossary_entries import load_entries
from knowledge.text import tokens

ROOT = Path(__file__).parents[2]
TEXTS = ["EFAとは?", "余っている EC2 を安く使う", "What is NVLink", "ＫＶキャッシュ"]


def test_the_packaged_model_is_small() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) <= 8 * 1024 * 1024


def test_vectors_have_length_1_and_do_not_depend_on_the_batch() -> None:
    embedder = StaticEmbedder()
    together = embedder.encode_passages(TEXTS)
    assert together.shape == (4, embedder.dimensions)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, row in zip(TEXTS, together, strict=True):
        assert np.allclose(embedder.encode_queries([text])[0], row, atol=1e-6)


def test_empty_input_is_no_error() -> None:
    embedder = StaticEmbedder()
    assert embedder.encode_passages([]).shape == (0, embedder.dimensions)
    assert np.isfinite(embedder.encode_queries(["", "🦆"])).all()


def test_paraphrases_are_nearer_than_other_topics() -> None:
    embedder = StaticEmbedder()
    question, right, wrong = embedder.encode_queries(
        [
            "安い余剰キャパシティのインスタンス",
            "スポットインスタンスは空き容量を割引で使う仕組みです",
            "モデルの重みを4ビットに量子化します",
        ]
    )
    assert question @ right > question @ wrong + 0.2


def test_the_hot_path_needs_no_torch() -> None:
    code = (
        "import sys; from knowledge.embedder import load_embedder;"
        "load_embedder().encode_queries(['x']);"
        "print({'torch', 'sentence_transformers', 'safetensors', 'chromadb'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


def test_sentence_transformers_loads_the_model_and_gives_the_same_vectors() -> None:
    library = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(MODEL), device="cpu")
    theirs = model.encode(TEXTS, normalize_embeddings=True).astype(np.float32)
    assert np.abs(theirs - StaticEmbedder().encode_queries(TEXTS)).max() < 2e-3


def test_a_damaged_model_says_how_to_make_it_again(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(KnowledgeError, match=r"knowledge\.embedder\.train"):
        _ = StaticEmbedder(tmp_path).dimensions


def test_a_folder_with_any_sentence_transformers_model_can_be_named(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer: Any = Tokenizer(
        models.WordLevel({"[UNK]": 0, "query": 1, "a": 2, "passage": 3}, "[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    folder = tmp_path / "my-e5-model"
    library.SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=6)]).save(
        str(folder)
    )
    embedder = load_embedder(str(folder))
    assert isinstance(embedder, SentenceTransformerEmbedder) and embedder.dimensions == 6
    query, passage = embedder.encode_queries(["a"])[0], embedder.encode_passages(["a"])[0]
    assert abs(float(np.linalg.norm(query)) - 1) < 1e-5
    assert not np.allclose(query, passage), "the prefixes of e5 must differ"


def test_a_model_that_does_not_exist_says_what_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(KnowledgeError, match="ASK_EMBEDDER"):
        load_embedder(str(tmp_path / "nothing")).encode_queries(["x"])


@pytest.mark.parametrize(
    ("name", "prefixes"),
    [
        ("cl-nagoya/ruri-v3-30m", ("検索クエリ: ", "検索文書: ")),
        ("cl-nagoya/ruri-small-v2", ("クエリ: ", "文章: ")),
        ("intfloat/multilingual-e5-small", ("query: ", "passage: ")),
        ("sentence-transformers/all-MiniLM-L6-v2", ("", "")),
    ],
)
def test_known_models_get_their_prefixes(name: str, prefixes: tuple[str, str]) -> None:
    assert prefixes_of(name) == prefixes


class FakeBedrock:
    """Answers like the Bedrock runtime and keeps what it was asked."""

    def __init__(self, replies: list[dict[str, Any]]) -> None:
        self.replies = replies
        self.bodies: list[dict[str, Any]] = []

    def invoke_model(self, *, body: str, **_: str) -> dict[str, Any]:
        self.bodies.append(json.loads(body))
        return {"body": io.BytesIO(json.dumps(self.replies.pop(0)).encode())}


def test_titan_embeds_one_text_a_call() -> None:
    client = FakeBedrock([{"embedding": [3, 4]}, {"embedding": [0, 2]}])
    found = BedrockEmbedder("amazon.titan-embed-text-v2:0", client=client).encode_passages(
        ["a", "b"]
    )
    assert found.tolist() == pytest.approx(np.array([[0.6, 0.8], [0, 1]]))
    assert client.bodies == [{"inputText": "a"}, {"inputText": "b"}]


@pytest.mark.parametrize("by_type", [False, True])
def test_cohere_embeds_in_batches_and_tells_questions_from_passages(by_type: bool) -> None:
    parts = [[[1, 0]] * 96, [[0, 1]], [[1, 0]]]
    client = FakeBedrock([{"embeddings": {"float": p} if by_type else p} for p in parts])
    embedder = BedrockEmbedder("cohere.embed-multilingual-v3", client=client)
    assert embedder.encode_passages(["x"] * 97).shape == (97, 2)
    embedder.encode_queries(["q"])
    assert [body["input_type"] for body in client.bodies] == [
        "search_document",
        "search_document",
        "search_query",
    ]
    assert [len(body["texts"]) for body in client.bodies] == [96, 1, 1]


def test_a_refusal_of_bedrock_says_what_to_do() -> None:
    from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]

    class Refusing:
        def invoke_model(self, **_: str) -> None:
            raise ClientError(
                {"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "InvokeModel"
            )

    with pytest.raises(KnowledgeError, match="unset ASK_EMBEDDER"):
        BedrockEmbedder("amazon.titan-embed-text-v2:0", client=Refusing()).encode_queries(["x"])


def test_no_question_of_the_benchmark_was_trained_on() -> None:
    seen = [set(tokens(question)) for question in training_questions(load_entries())]
    for name in ("dev.tsv", "test.tsv"):
        path = ROOT / "benchmarks" / "retrieval_data" / name
        for line in path.read_text("utf-8").splitlines():
            words = set(tokens(line.split("\t")[1]))
            nearest = max(len(words & other) / len(words | other) for other in seen)
            assert nearest < 0.6, f"{path.name}: {line} is too close to a training question"


def test_every_paraphrase_belongs_to_an_entry() -> None:
    assert {entry for entry, _ in read_paraphrases()} <= {entry.id for entry in load_entries()}
