"""The store moves from one complete generation to the next."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from knowledge import store as store_module
from knowledge.document_search import search_documents
from knowledge.errors import KnowledgeError
from knowledge.store import Change, Store
from tests.knowledge.stores import HashEmbedder, check, document, open_store, put, texts

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "kb")


def test_an_empty_store_has_no_generation(store: Store) -> None:
    assert store.current is None


def test_documents_are_added_replaced_and_removed_together(store: Store) -> None:
    put(store, a="# 甲\n\n一\n\n# 乙\n\n二", b="三")
    store.apply(Change([document("a", "新"), document("c", "四")], frozenset({"b"})))
    assert texts(store) == {"a": "新", "c": "四"}
    assert store.current
    check(store.current)


def test_kept_passages_are_not_embedded_again(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    store = open_store(tmp_path, embedder)
    put(store, a="一", b="二")
    before = embedder.calls
    put(store, c="三")
    assert embedder.calls == before + 1


def test_another_embedder_makes_all_vectors_anew(tmp_path: Path) -> None:
    put(open_store(tmp_path), a="一", b="二")
    other = HashEmbedder("other")
    store = open_store(tmp_path, other)
    put(store, c="三")
    assert other.calls == 3 and store.current and store.current.embedder == "other"
    check(store.current)


def test_a_reader_sees_what_another_store_wrote(tmp_path: Path) -> None:
    reader, writer = open_store(tmp_path), open_store(tmp_path)
    put(writer, a="一")
    assert texts(reader) == {"a": "一"}
    put(writer, a="二")
    assert texts(reader) == {"a": "二"}


def test_a_reader_can_finish_on_the_generation_that_it_opened(tmp_path: Path) -> None:
    writer = open_store(tmp_path)
    put(writer, a="一")
    held = open_store(tmp_path).current
    put(writer, a="二")
    assert held and [chunk.text for chunk in held.all_chunks()] == ["一"]
    check(held)


def test_only_the_current_and_the_previous_generation_stay(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    for number in range(4):
        put(store, a=str(number))
    assert len(list((tmp_path / "generations").iterdir())) == 2


def test_leftovers_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(store, a="一")
    (tmp_path / "generations" / "000009-dead").mkdir()
    (tmp_path / "current.dead").write_text("000009-dead")
    put(store, b="二")
    assert not (tmp_path / "generations" / "000009-dead").exists()
    assert not list(tmp_path.glob("current.*"))


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    def write(name: str) -> None:
        put(open_store(tmp_path), **{name: name})

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts(open_store(tmp_path)) == {"a": "a", "b": "b", "c": "c"}


def test_a_writer_gives_up_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    monkeypatch.setattr(store_module, "LOCK_SECONDS", 0.1)
    with FileLock(tmp_path / "lock"), pytest.raises(KnowledgeError, match="try again"):
        put(open_store(tmp_path), a="一")


def test_a_failed_write_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(store, a="一")
    broken = HashEmbedder()
    broken.encode_passages = lambda texts: (_ for _ in ()).throw(RuntimeError("no"))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="no"):
        put(open_store(tmp_path, broken), b="二")
    assert texts(open_store(tmp_path)) == {"a": "一"}


def test_a_damaged_store_says_how_to_rebuild_it(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(store, a="一")
    assert store.current
    (store.current.folder / "documents.json").write_text("{")
    with pytest.raises(KnowledgeError, match="ask knowledge rebuild"):
        _ = open_store(tmp_path).current


def test_more_passages_than_a_page_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.vectors.PAGE", 7)
    monkeypatch.setattr("knowledge.vectors.BATCH", 3)
    store = open_store(tmp_path)
    put(store, a="\n\n".join(f"# h{i}\n\n本文{i}" for i in range(40)))
    put(store, b="二")
    assert store.current
    assert store.current.count == 41
    check(store.current)


def test_search_finds_a_passage_by_words_and_by_nearness(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    store = open_store(tmp_path, embedder)
    put(store, a="有給休暇は二十日です", b="食堂は十一時に開きます")
    assert store.current
    hits = search_documents(store.current, embedder, "有給休暇の日数", 5)
    assert hits[0].chunk.document == "a"
    near = search_documents(store.current, embedder, "b  食堂は十一時に開きます", 5, weight=1.0)
    assert near[0].chunk.document == "b" and near[0].score > 0.9


def test_search_is_restricted_to_documents(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    store = open_store(tmp_path, embedder)
    put(store, a="休暇の規程", b="休暇の申請")
    assert store.current
    hits = search_documents(store.current, embedder, "休暇", 5, admitted=["b"])
    assert {hit.chunk.document for hit in hits} == {"b"}


def test_chroma_sends_no_telemetry() -> None:
    code = (
        "import tempfile; from pathlib import Path; from knowledge.vectors import open_client;"
        "c = open_client(Path(tempfile.mkdtemp()), '');"
        "print(c.get_settings().anonymized_telemetry)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"
