"""`ask knowledge` end to end: documents go in, answers name and cite them, documents go out."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)

from assistant import Answer
from assistant.errors import (
    AssistantError,
    AuthenticationError,
    NotConfiguredError,
    UnreachableError,
    UpstreamError,
    UsageError,
)
from assistant.knowledge_errors import knowledge_error
from knowledge.errors import KnowledgeError
from ui.call import Session, build_real_assistant
from ui.cli import run

ROOT = Path(__file__).parents[2]
TITLE = "チェックポイント運用手順"
MARKDOWN = (
    f"# {TITLE}\n\n## 保存先\n\n"
    "学習のチェックポイントは s3://corp-ckpt/teamx に 30 分ごとに保存します。\n"
)
SHIFT_JIS = (
    "倉庫サーバー利用案内\n\n"
    "スポットインスタンスを社内で使うときは、申請番号 KURA-77 を倉庫係に伝えてください。\n"
)
QUESTION = "スポットインスタンスの申請番号は?"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs one command line with the real assistant."""

    def call(*argv: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
        code = run(argv, Session(build_real_assistant))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a Markdown file and a text file as Windows writes it in Japan."""
    path = tmp_path / "documents"
    path.mkdir()
    (path / "checkpoint.md").write_text(MARKDOWN, "utf-8")
    (path / "warehouse.txt").write_bytes(SHIFT_JIS.encode("shift_jis"))
    return path


@pytest.fixture
def taken_in(ask: Run, folder: Path) -> Path:
    """The folder, ingested."""
    assert ask("knowledge", "ingest", str(folder))[0] == 0
    return folder


def test_ingest_counts_what_it_took_in_and_skips_what_is_unchanged(ask: Run, folder: Path) -> None:
    code, out, err = ask("knowledge", "ingest", str(folder), "-v")
    assert (code, "追加 2 件" in out) == (0, True)
    assert "取り込み中 2/2" in err
    assert "取り込み中" not in out
    assert "変更なし 2 件" in ask("knowledge", "ingest", str(folder))[1]


def test_search_finds_text_that_was_shift_jis(ask: Run, taken_in: Path) -> None:
    code, out, _ = ask("knowledge", "search", "申請番号 KURA-77")
    assert code == 0
    assert out.startswith("1. warehouse [文書]")
    assert "申請番号 KURA-77 を倉庫係に" in out
    found = json.loads(ask("knowledge", "search", "申請番号 KURA-77", "--limit", "1", "--json")[1])
    assert [passage["title"] for passage in found["passages"]] == ["warehouse"]
    assert not found["passages"][0]["is_glossary"]


def test_an_answer_from_a_document_names_it_and_cites_it(ask: Run, taken_in: Path) -> None:
    code, out, err = ask("--json", QUESTION)
    answer = Answer.model_validate_json(out)
    assert (code, err) == (0, "")
    assert answer.answer.startswith("「warehouse」によると")
    assert "KURA-77" in answer.answer
    assert not answer.abstained
    assert [citation.title for citation in answer.citations] == ["warehouse"]
    assert str(answer.citations[0].url).endswith("/documents/warehouse.txt")


def test_in_english_too_the_document_is_named(ask: Run, taken_in: Path) -> None:
    out = ask("--lang", "en", QUESTION)[1]
    assert out.startswith('According to "warehouse":')


def test_what_the_glossary_defines_is_answered_by_the_glossary(ask: Run, taken_in: Path) -> None:
    assert "によると" not in ask("EFAとは?")[1]


def test_a_title_is_shown_in_the_answer(ask: Run, folder: Path) -> None:
    path = str(folder / "warehouse.txt")
    assert ask("knowledge", "ingest", path, "--title", "倉庫案内 48 GB 版")[0] == 0
    assert ask(QUESTION)[1].startswith("「倉庫案内 48 GB 版」によると")


def test_removed_documents_are_neither_listed_nor_answered_from(ask: Run, taken_in: Path) -> None:
    assert re.findall(r"^\S+", ask("knowledge", "list")[1], re.MULTILINE) == [TITLE, "warehouse"]
    code, out, _ = ask("knowledge", "remove", TITLE, str(taken_in / "warehouse.txt"))
    assert (code, out.count("取り除きました")) == (0, 2)
    assert ask("knowledge", "list", "--json")[:2] == (0, "[]\n")
    assert "ask knowledge ingest" in ask("knowledge", "list")[2]
    assert "KURA-77" not in ask(QUESTION)[1]


def test_a_name_that_does_not_exist_removes_nothing(ask: Run, taken_in: Path) -> None:
    code, _, err = ask("knowledge", "remove", TITLE, "nowhere")
    assert (code, "nowhere" in err) == (2, True)
    assert len(json.loads(ask("knowledge", "list", "--json")[1])) == 2


def test_rebuild_keeps_every_passage(ask: Run, taken_in: Path) -> None:
    passages = sum(d["chunks"] for d in json.loads(ask("knowledge", "list", "--json")[1]))
    assert ask("knowledge", "rebuild", "--lang", "en")[1] == f"Indexed {passages} passages anew.\n"
    assert "KURA-77" in ask(QUESTION)[1]


def test_what_cannot_be_read_is_named_with_the_reason(ask: Run, tmp_path: Path) -> None:
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)) * 8)
    code, out, err = ask("knowledge", "ingest", str(tmp_path / "noise.bin"))
    assert code == 2
    assert "取り込めず 1 件" in out
    assert "noise.bin: " in err


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("ingest", "/nowhere/at/all"), 2),
        (("ingest", "s3://"), 2),
        (("ingest", ".", "--title", "x"), 2),
        (("ingest",), 2),
        (("search", ""), 2),
        (("search", "x", "--limit", "11"), 2),
    ],
)
def test_misuse_is_code_2_in_both_languages(ask: Run, argv: tuple[str, ...], code: int) -> None:
    for language, label in (("ja", "エラー: "), ("en", "Error: ")):
        found, out, err = ask("knowledge", *argv, "--lang", language)
        assert (found, out) == (code, "")
        assert err.startswith(label)


def test_a_chroma_server_that_does_not_answer_is_code_5(
    ask: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASK_CHROMA_URL", "http://127.0.0.1:9")
    code, _, err = ask("knowledge", "ingest", str(folder))
    assert (code, "http://127.0.0.1:9" in err) == (5, True)


def test_a_store_that_became_unreadable_is_an_error_with_its_remedy(
    ask: Run, taken_in: Path
) -> None:
    for state in Path(os.environ["ASK_DATA_DIR"]).glob("knowledge/generations/*/documents.json"):
        state.write_text("{", "utf-8")
    code, out, err = ask(QUESTION)
    assert (code, out) == (1, "")
    assert "ask knowledge rebuild" in err
    assert "内部エラー" not in err


def refused(code: str) -> ClientError:
    """Return what boto3 raises for a reply with an error code."""
    return ClientError({"Error": {"Code": code, "Message": code}}, "ListObjectsV2")


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (NoCredentialsError(), NotConfiguredError),
        (UnauthorizedSSOTokenError(), NotConfiguredError),
        (EndpointConnectionError(endpoint_url="x"), UnreachableError),
        (ReadTimeoutError(endpoint_url="x"), UnreachableError),
        (refused("AccessDenied"), AuthenticationError),
        (refused("NoSuchBucket"), UsageError),
        (refused("InternalError"), UpstreamError),
        (None, AssistantError),
    ],
)
def test_errors_of_aws_keep_their_kind(cause: Exception | None, kind: type[AssistantError]) -> None:
    error = KnowledgeError("S3 did not list s3://bucket/x")
    error.__cause__ = cause
    found = knowledge_error(error)
    assert type(found) is kind
    assert "s3://bucket/x" in found.message_ja


def test_without_documents_an_answer_opens_no_vector_store() -> None:
    program = (
        "from assistant import build_assistant as b; b().ask('EFAを使うときの設定方法は?')\n"
        "import sys; print(sorted({'chromadb', 'torch'} & set(sys.modules)))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=120
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_question_without_any_known_term_is_searched_in_the_users_documents(
    ask: Run, tmp_path: Path
) -> None:
    note = tmp_path / "rules.md"
    note.write_text("# 社内規程\n\n休日の検証環境の鍵は総務の窓口で受け取ります。\n", "utf-8")
    assert ask("knowledge", "ingest", str(note))[0] == 0
    code, out, _ = ask("休日の検証環境の鍵はどこで受け取りますか?")
    assert code == 0
    assert "総務の窓口" in out
