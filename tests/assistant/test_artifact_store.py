"""Generated files in S3: kept, indexed, read by the front ends, and clear errors. A moto server."""

from __future__ import annotations

import base64
import io
import json
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant import artifact_store
from assistant.answer import Answer
from assistant.app import Assistant
from assistant.artifact_store import link, read_artifact
from assistant.errors import AssistantError, AuthenticationError
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue
from ui.cli import run
from ui.slack.files import uploads
from ui.web.export import made_file

boto3: Any = pytest.importorskip("boto3")
server: Any = pytest.importorskip("moto.server", reason="needs the extra test")

QUESTION = "g5.xlargeで7BをQLoRAで学習するコードを作って"
ADDRESS = "s3://box/made"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of a local S3."""
    moto = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A client of an empty bucket; the product finds the server as it finds AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    artifact_store._client.cache_clear()  # pyright: ignore[reportPrivateUsage]
    urllib.request.urlopen(
        urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST"), timeout=5
    ).close()
    client = boto3.session.Session().client("s3")
    client.create_bucket(Bucket="box")
    yield client
    artifact_store._client.cache_clear()  # pyright: ignore[reportPrivateUsage]


def assistant_with(state: Settings, catalogue: Catalogue, address: str = ADDRESS) -> Assistant:
    return Assistant(replace(state, artifact_url=address), catalogue=catalogue)


@pytest.fixture
def answer(s3: Any, state: Settings, catalogue: Catalogue) -> Answer:
    return assistant_with(state, catalogue).ask(QUESTION)


def test_files_are_put_under_the_address_as_they_would_lie_on_disk(
    s3: Any, state: Settings, catalogue: Catalogue
) -> None:
    remote = assistant_with(state, catalogue).ask(QUESTION)
    local = Assistant(state, catalogue=catalogue).ask(QUESTION)
    assert state.artifacts_dir
    folder = state.artifacts_dir / local.answer_id
    on_disk = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    rows: list[dict[str, Any]] = s3.list_objects_v2(Bucket="box")["Contents"]
    begin = f"made/{remote.answer_id}/"
    assert {row["Key"] for row in rows} == {f"{begin}{name}" for name in on_disk}
    assert [item.path for item in remote.artifacts] == [
        f"s3://box/{begin}{Path(item.path).relative_to(folder)}" for item in local.artifacts
    ]
    assert not (state.artifacts_dir / remote.answer_id).exists()
    assert remote.warnings == local.warnings


def test_the_index_is_kept_with_the_rest_of_the_state(
    answer: Answer, state: Settings, catalogue: Catalogue
) -> None:
    made = Assistant(state, catalogue=catalogue).artifacts.list(9)
    assert [item.path for item in made] == [item.path for item in answer.artifacts]
    assert {item.answer_id for item in made} == {answer.answer_id}


def test_files_are_read_back_and_one_that_is_gone_is_none(answer: Answer, s3: Any) -> None:
    packed = answer.artifacts[0]
    data = read_artifact(packed.path)
    assert data and zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert read_artifact(f"{packed.path}.nosuch") is None


def test_the_web_page_and_slack_read_files_from_s3(answer: Answer) -> None:
    packed = answer.artifacts[0]
    name = packed.path.rpartition("/")[2]
    found = made_file(answer, name)
    assert found
    data = read_artifact(packed.path)
    assert base64.b64decode(found["base64"]) == data
    sent = [upload for upload in uploads(answer) if upload.name.endswith(".zip")]
    assert [upload.data for upload in sent] == [data]


def test_a_link_opens_without_credentials(answer: Answer) -> None:
    path = answer.artifacts[0].path
    with urllib.request.urlopen(link(path), timeout=5) as response:
        assert response.read() == read_artifact(path)


def test_files_are_listed_on_the_command_line_with_links_on_request(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ASK_ARTIFACT_URL", ADDRESS)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    assert run(["--json", QUESTION]) == 0
    answer = Answer.model_validate_json(capsys.readouterr().out)
    assert run(["artifacts"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == [item.path for item in answer.artifacts]
    assert run(["artifacts", "--links", "--json"]) == 0
    assert all("X-Amz-Signature" in row["path"] for row in json.loads(capsys.readouterr().out))


# -- errors --------------------------------------------------------------------------------------


def warning_of(assistant: Assistant, language: str = "ja") -> str:
    """What an answer says whose files S3 did not take; the answer itself is whole."""
    answer = assistant.ask(QUESTION, language=language)
    assert not answer.abstained and answer.artifacts == []
    return next(text for text in answer.warnings if "S3" in text or "AWS" in text)


def test_a_bucket_that_does_not_exist_is_named(
    s3: Any, state: Settings, catalogue: Catalogue
) -> None:
    said = warning_of(assistant_with(state, catalogue, "s3://nosuch-box/x"))
    assert said.startswith("生成したファイルを保存できませんでした。")
    assert "バケット nosuch-box がありません" in said
    english = warning_of(assistant_with(state, catalogue, "s3://nosuch-box/x"), "en")
    assert "There is no S3 bucket nosuch-box" in english


def test_missing_credentials_are_a_clear_warning(
    s3: Any, state: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    artifact_store._client.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assistant = assistant_with(state, catalogue)
    assert "認証情報が見つかりません" in warning_of(assistant)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    assert assistant.ask(QUESTION).artifacts, "a login is seen without a restart"


def test_a_denied_write_names_the_permission(
    s3: Any, state: Settings, catalogue: Catalogue
) -> None:
    deny(s3, "s3:PutObject")
    assert "s3:PutObject が許可されていません" in warning_of(assistant_with(state, catalogue))


def test_a_denied_read_is_an_error_that_names_the_permission(answer: Answer, s3: Any) -> None:
    deny(s3, "s3:GetObject")
    with pytest.raises(AuthenticationError, match="s3:GetObject is denied"):
        read_artifact(answer.artifacts[0].path)
    assert not [upload for upload in uploads(answer) if upload.name.endswith(".zip")]


def test_a_server_that_is_away_is_said_to_be(
    s3: Any, state: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setattr(artifact_store, "_ATTEMPTS", 1)
    artifact_store._client.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assert "S3 に接続できません" in warning_of(assistant_with(state, catalogue))


@pytest.mark.parametrize(
    ("code", "exit_code"), [("ExpiredToken", 4), ("SlowDown", 6), ("InternalError", 8)]
)
def test_each_refusal_has_its_exit_code(code: str, exit_code: int) -> None:
    error: AssistantError = artifact_store._refused(code, "box", "s3:PutObject")  # pyright: ignore[reportPrivateUsage]
    assert error.exit_code == exit_code


def deny(s3: Any, action: str) -> None:
    """Let nobody do this in the bucket."""
    rule = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "arn:aws:s3:::box/*"}
    s3.put_bucket_policy(
        Bucket="box", Policy=json.dumps({"Version": "2012-10-17", "Statement": [rule]})
    )
