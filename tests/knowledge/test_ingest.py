"""Ingest brings the store in step with files and buckets, and says what it did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge.errors import KnowledgeError
from knowledge.ingest.report import MESSAGES, Report
from knowledge.ingest.run import Options, ingest, rebuild, remove
from knowledge.store import Store
from tests.knowledge.stores import HashEmbedder, check, open_store, texts

SHARED_GLOSSARY = Path(__file__).parents[3] / "shared" / "glossary"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "kb")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text("# 甲\n\n一", "utf-8")
    (folder / "b.txt").write_bytes("二つ目の文書です。".encode("cp932"))
    return folder


def outcomes(report: Report) -> dict[str, str]:
    """Return the outcome of each file by name."""
    return {Path(line.uri).name: line.outcome for line in report.lines}


def test_a_second_ingest_skips_what_did_not_change(store: Store, docs: Path) -> None:
    assert outcomes(ingest(store, [str(docs)])) == {"a.md": "added", "b.txt": "added"}
    generation = store.current
    assert outcomes(ingest(store, [str(docs)])) == {"a.md": "unchanged", "b.txt": "unchanged"}
    assert store.current is generation


def test_changed_new_and_deleted_files_are_told_apart(store: Store, docs: Path) -> None:
    ingest(store, [str(docs)])
    (docs / "a.md").write_text("# 甲\n\n変更", "utf-8")
    (docs / "b.txt").unlink()
    (docs / "c.md").write_text("三", "utf-8")
    report = ingest(store, [str(docs)])
    assert outcomes(report) == {"a.md": "updated", "c.md": "added", "b.txt": "removed"}
    assert sorted(texts(store).values()) == ["三", "変更"]
    assert store.current
    check(store.current)


def test_a_single_file_says_nothing_about_its_neighbours(store: Store, docs: Path) -> None:
    ingest(store, [str(docs)])
    (docs / "b.txt").unlink()
    assert outcomes(ingest(store, [str(docs / "a.md")])) == {"a.md": "unchanged"}
    assert len(texts(store)) == 2


def test_a_folder_with_a_longer_name_is_another_folder(store: Store, docs: Path) -> None:
    other = docs.with_name("docs2")
    other.mkdir()
    (other / "z.md").write_text("他", "utf-8")
    ingest(store, [str(docs), str(other)])
    assert "z.md" not in outcomes(ingest(store, [str(docs)]))
    assert "他" in texts(store).values()


def test_a_file_that_became_unreadable_keeps_its_old_passages(store: Store, docs: Path) -> None:
    ingest(store, [str(docs)])
    (docs / "a.md").write_bytes(b"\x00\x01")
    report = ingest(store, [str(docs)])
    assert outcomes(report)["a.md"] == "skipped"
    assert "一" in texts(store).values()


def test_skipped_files_are_reported_with_the_reason_in_both_languages(
    store: Store, docs: Path
) -> None:
    (docs / "x.bin").write_bytes(b"x")
    (docs / "big.txt").write_text("あ" * 600_000, "utf-8")
    report = ingest(store, [str(docs)], Options(max_mb=1))
    skipped = {Path(line.uri).name: line for line in report.of("skipped")}
    assert "上限 1 MB" in skipped["big.txt"].message() and "1.7 MB" in skipped["big.txt"].message()
    assert skipped["x.bin"].message("en").startswith("is of a type")
    assert report.count("added") == 2 and report.chunks == 2
    assert all(ja and en for ja, en in MESSAGES.values())


def test_hidden_folders_are_left_out(store: Store, docs: Path) -> None:
    (docs / ".git").mkdir()
    (docs / ".git" / "x.md").write_text("x", "utf-8")
    assert set(outcomes(ingest(store, [str(docs)]))) == {"a.md", "b.txt"}


def test_a_title_can_be_given(store: Store, docs: Path) -> None:
    ingest(store, [str(docs / "a.md")], Options(title="規程"))
    assert store.current
    assert [d.title for d in store.current.documents.values()] == ["規程"]


def test_progress_is_reported_to_the_end(store: Store, docs: Path) -> None:
    seen: list[tuple[int, int]] = []
    ingest(store, [str(docs)], progress=lambda done, total, uri: seen.append((done, total)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_an_address_that_does_not_exist_is_refused_before_anything_is_done(
    store: Store, docs: Path
) -> None:
    with pytest.raises(KnowledgeError, match="check the path"):
        ingest(store, [str(docs), str(docs / "nowhere")])
    assert store.current is None


def test_documents_are_removed_by_title_or_address(store: Store, docs: Path) -> None:
    ingest(store, [str(docs)])
    assert [d.title for d in remove(store, ["甲"])] == ["甲"]
    assert remove(store, ["nobody"]) == []
    assert list(texts(store).values()) == ["二つ目の文書です。"]


def test_rebuild_keeps_everything_and_embeds_anew(store: Store, docs: Path, tmp_path: Path) -> None:
    ingest(store, [str(docs)])
    before = texts(store)
    other = HashEmbedder("other")
    again = open_store(tmp_path / "kb", other)
    assert rebuild(again) == 2 and other.calls == 2
    assert texts(again) == before
    assert again.current
    check(again.current)


def test_the_same_file_named_twice_is_ingested_once(store: Store, docs: Path) -> None:
    report = ingest(store, [str(docs), str(docs / "a.md")])
    assert sorted(outcomes(report)) == ["a.md", "b.txt"] and len(report.lines) == 2


def test_a_long_glossary_file_keeps_every_line_table_and_code_block(store: Store) -> None:
    paths = list(SHARED_GLOSSARY.glob("*.txt"))
    if not paths:
        pytest.skip("no glossary file beside this checkout")
    ingest(store, [str(paths[0])])
    kept = "\n".join(texts(store).values())
    lines = [line.strip() for line in paths[0].read_text("utf-8").splitlines()]
    assert not [line for line in lines if line and not line.startswith("#") and line not in kept]
    assert store.current
    for chunk in store.current.all_chunks():
        assert chunk.text.count("```") % 2 == 0


# -- S3 ------------------------------------------------------------------------------------------


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    moto = pytest.importorskip("moto")
    import boto3  # pyright: ignore[reportMissingTypeStubs]

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with moto.mock_aws():
        aws: Any = boto3
        client = aws.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="box")
        yield client


def test_a_prefix_is_ingested_updated_and_emptied(store: Store, s3: Any) -> None:
    s3.put_object(Bucket="box", Key="docs/a.md", Body="# 甲\n\n一".encode())
    s3.put_object(Bucket="box", Key="docs/sub/b.txt", Body="二".encode("euc_jp"))
    s3.put_object(Bucket="box", Key="docs2/c.txt", Body=b"other")
    s3.put_object(Bucket="box", Key="docs/sub/", Body=b"")
    assert outcomes(ingest(store, ["s3://box/docs/"])) == {"a.md": "added", "b.txt": "added"}
    assert outcomes(ingest(store, ["s3://box/docs/"])) == {
        "a.md": "unchanged",
        "b.txt": "unchanged",
    }
    s3.delete_object(Bucket="box", Key="docs/sub/b.txt")
    assert outcomes(ingest(store, ["s3://box/docs/"])) == {"a.md": "unchanged", "b.txt": "removed"}
    assert store.current
    assert next(store.current.all_chunks()).url == "s3://box/docs/a.md"


def test_more_objects_than_a_page_are_listed(store: Store, s3: Any) -> None:
    for number in range(1005):
        s3.put_object(Bucket="box", Key=f"n/{number}.xyz", Body=b"x")
    assert ingest(store, ["s3://box/n/"]).count("skipped") == 1005


@pytest.mark.parametrize("address", ["s3://", "s3://missing/x", "s3://box/nothing/"])
def test_a_wrong_s3_address_says_what_to_check(store: Store, s3: Any, address: str) -> None:
    with pytest.raises(KnowledgeError, match=r"check|write s3"):
        ingest(store, [address])
