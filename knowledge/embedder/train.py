"""Train the packaged embedder: static embeddings over a small vocabulary of our own text.

    python -m knowledge.embedder.train     writes embedder/model/ (needs the extra `st`)

Runs on one core in about a minute and gives the same bytes for the same packages (the unigram
trainer would not, so the vocabulary is byte-pair merges). A small vocabulary forces words to
share pieces, which is what lets questions with unseen wording still land.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from knowledge.embedder.pairs import Pair, training_pairs
from knowledge.glossary_entries import Entry, load_entries

SEED = 7
RUNS = 3
"""Trainings from different beginnings whose vectors are joined: one alone depends on its luck."""
VOCABULARY = 2200
DIMENSIONS = 128
"""Of one run."""
EPOCHS = 6
BATCH = 256
LEARNING_RATE = 0.02
SCALE = 20.0
"""Inverse temperature of the contrastive loss."""

MODEL = Path(__file__).parent / "model"


def train(output: Path = MODEL) -> None:
    """Train the model on the project's text and save it for SentenceTransformer."""
    torch.set_num_threads(1)  # sums in another order would give other bytes
    torch.use_deterministic_algorithms(mode=True)
    entries = load_entries()
    pairs = training_pairs(entries, random.Random(SEED))
    tokenizer = train_tokenizer(entries, pairs)
    runs = [fit(tokenizer, pairs, SEED + run) for run in range(RUNS)]
    module = StaticEmbedding(tokenizer, embedding_weights=torch.cat(runs, dim=1).half())
    SentenceTransformer(modules=[module], device="cpu").save(str(output), create_model_card=False)
    _drop_versions(output)
    (output / "model.safetensors").chmod(0o644)  # written for the owner alone


def train_tokenizer(entries: tuple[Entry, ...], pairs: list[Pair]) -> Tokenizer:
    """Return a byte-pair tokenizer of the project's text, folding width and case."""
    tokenizer: Any = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["[UNK]"], max_token_length=8, show_progress=False
    )
    texts = [text for pair in pairs for text in pair] + [entry.body for entry in entries]
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def fit(tokenizer: Tokenizer, pairs: list[Pair], seed: int) -> torch.Tensor:
    """Return token vectors that pull the texts of a pair together and push other pairs apart."""
    torch.random.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
    module = StaticEmbedding(tokenizer, embedding_dim=DIMENSIONS)
    torch.nn.init.normal_(module.embedding.weight, std=0.1)
    lefts, rights = (_encode(tokenizer, [pair[side] for pair in pairs]) for side in (0, 1))
    optimizer = torch.optim.Adam(module.parameters(), lr=LEARNING_RATE)
    for epoch in range(EPOCHS):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - epoch / EPOCHS)
        for chosen in _batches(len(pairs), 100 * seed + epoch):
            _step(module, optimizer, [lefts[i] for i in chosen], [rights[i] for i in chosen])
    return module.embedding.weight.detach()


def _step(
    module: StaticEmbedding,
    optimizer: torch.optim.Optimizer,
    lefts: list[list[int]],
    rights: list[list[int]],
) -> None:
    """Take one step on the contrastive loss of a batch, in both directions."""
    scores = SCALE * _embed(module, lefts) @ _embed(module, rights).T
    labels = torch.arange(len(lefts))
    loss = torch.nn.functional.cross_entropy(scores, labels)
    loss = loss + torch.nn.functional.cross_entropy(scores.T, labels)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _batches(count: int, seed: int) -> Iterator[list[int]]:
    order = np.random.RandomState(seed).permutation(count).tolist()
    yield from (order[i : i + BATCH] for i in range(0, count - BATCH + 1, BATCH))


def _encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [item.ids or [0] for item in tokenizer.encode_batch(texts, add_special_tokens=False)]


def _embed(module: StaticEmbedding, ids: list[list[int]]) -> torch.Tensor:
    ends = np.cumsum([0] + [len(item) for item in ids[:-1]])
    flat = torch.tensor([token for item in ids for token in item])
    return torch.nn.functional.normalize(module.embedding(flat, torch.tensor(ends)), dim=-1)


def _drop_versions(output: Path) -> None:
    """Remove package versions from the configuration: they would change the files without need."""
    path = output / "config_sentence_transformers.json"
    config: dict[str, Any] = json.loads(path.read_text("utf-8"))
    config["__version__"] = {}
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=MODEL)
    train(parser.parse_args().output)
