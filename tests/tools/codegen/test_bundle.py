"""Bundles on disk: nothing is overwritten unasked, nothing leaves the folder, bytes never vary."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from knowledge.ec2.catalogue import Catalogue
from tests.tools.codegen.plans import plan
from tests.tools.codegen.running import llm_bundle
from tools.codegen.bundle import (
    MANIFEST,
    changed_leftovers,
    read_bundle,
    safe_path,
    sha256,
    write_bundle,
    zip_bundle,
)
from tools.codegen.spec import Bundle, BundleFile
from tools.errors import ToolInputError


@pytest.fixture(scope="module")
def bundle(catalogue: Catalogue) -> Bundle:
    return llm_bundle(catalogue, plan(catalogue))


def test_the_manifest_holds_hashes_the_plan_and_the_checks(bundle: Bundle, tmp_path: Path) -> None:
    write_bundle(bundle, tmp_path)
    manifest = json.loads((tmp_path / MANIFEST).read_text("utf-8"))
    assert manifest["files"] == {
        path.name: sha256(path.read_text("utf-8"))
        for path in tmp_path.iterdir()
        if path.name != MANIFEST
    }
    assert manifest["plan"]["micro_batch"] == 2
    assert {row["key"]: row["status"] for row in manifest["checks"]}["batch"] == "passed"
    assert {row["key"]: row["status"] for row in manifest["checks"]}[
        "deepspeed_parser"
    ] == "skipped"


def test_the_same_request_gives_the_same_bytes(catalogue: Catalogue, bundle: Bundle) -> None:
    again = llm_bundle(catalogue, plan(catalogue))
    assert again.files == bundle.files
    assert zip_bundle(again) == zip_bundle(bundle)


def test_the_zip_holds_one_folder_with_executable_scripts(bundle: Bundle) -> None:
    with zipfile.ZipFile(io.BytesIO(zip_bundle(bundle))) as archive:
        modes = {item.filename: item.external_attr >> 16 & 0o777 for item in archive.infolist()}
        assert archive.read(f"{bundle.name}/README.md").decode() == bundle.file("README.md").text
    assert {name.partition("/")[0] for name in modes} == {bundle.name}
    assert modes[f"{bundle.name}/launch.sh"] == 0o755
    assert modes[f"{bundle.name}/train.py"] == 0o644


def test_existing_files_stay_as_they_are_without_force(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("mine = true\n")
    with pytest.raises(ToolInputError, match="--force"):
        write_bundle(bundle, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
    write_bundle(bundle, tmp_path, force=True)
    assert "mine" not in (tmp_path / "config.toml").read_text("utf-8")


def test_force_removes_unchanged_files_of_the_bundle_before(bundle: Bundle, tmp_path: Path) -> None:
    more = (
        BundleFile(path="hostfile", text="a slots=8\n", sha256=sha256("a slots=8\n")),
        BundleFile(path="notes.md", text="x\n", sha256=sha256("x\n")),
    )
    texts = {item.path: item.sha256 for item in (*bundle.files, *more) if item.path != MANIFEST}
    listed = json.dumps({"files": {**texts, "../outside": sha256("o\n")}})
    folder = tmp_path / "out"
    write_bundle(bundle, folder)
    (tmp_path / "outside").write_text("o\n")
    for item in more:
        (folder / item.path).write_text(item.text)
    (folder / "notes.md").write_text("mine\n")
    (folder / MANIFEST).write_text(listed)
    assert [path.name for path in changed_leftovers(bundle, folder)] == ["notes.md"]
    write_bundle(bundle, folder, force=True)
    assert not (folder / "hostfile").exists()
    assert (folder / "notes.md").read_text() == "mine\n"
    assert (tmp_path / "outside").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": []}', '{"files": {"": 1, "a": null}}'])
def test_a_broken_manifest_does_not_stop_force(bundle: Bundle, tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    write_bundle(bundle, tmp_path, force=True)
    assert json.loads((tmp_path / MANIFEST).read_text("utf-8"))["files"]


def test_other_files_of_the_folder_survive_force(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text("{}\n")
    write_bundle(bundle, tmp_path, force=True)
    assert (tmp_path / "data.jsonl").read_text() == "{}\n"


def test_a_link_in_the_folder_is_replaced_not_followed(bundle: Bundle, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("keep")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "README.md").symlink_to(outside)
    with pytest.raises(ToolInputError):
        write_bundle(bundle, folder)
    write_bundle(bundle, folder, force=True)
    assert outside.read_text() == "keep"
    assert not (folder / "README.md").is_symlink()


def test_a_file_in_place_of_the_folder_is_a_clear_error(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(ToolInputError, match="no folder"):
        write_bundle(bundle, tmp_path / "out")


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a\\b", "", "~/x"])
def test_paths_that_leave_the_bundle_are_refused(bundle: Bundle, tmp_path: Path, path: str) -> None:
    with pytest.raises(ToolInputError):
        safe_path(path)
    bad = bundle.model_copy(update={"files": (BundleFile(path=path, text="x", sha256="0"),)})
    with pytest.raises(ToolInputError):
        write_bundle(bad, tmp_path)
    with pytest.raises(ToolInputError):
        zip_bundle(bad)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(ToolInputError, match=MANIFEST):
        read_bundle(tmp_path)
