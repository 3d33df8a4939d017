"""Which snapshot is read: the user's when it is newer and intact, the packaged one otherwise."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest

from knowledge.ec2.catalogue import MANIFEST, PACKAGED, Catalogue
from knowledge.ec2.files import (
    TYPES_FILE,
    build_types_file,
    digest,
    render_types_file,
    replace_file,
    write_manifest,
    write_types,
)
from knowledge.ec2.schema import Manifest
from knowledge.errors import CatalogueError

PACKAGED_DAY = Catalogue().specs_as_of
NEWER = PACKAGED_DAY + timedelta(days=1)
OLDER = PACKAGED_DAY - timedelta(days=1)


def write_small_snapshot(directory: Path, created: date) -> None:
    """Write a user snapshot that has one instance type only."""
    full = Catalogue().types_file
    small = build_types_file(full.types[:1], full.sources, ["m7i.large"])
    write_types(directory, small, created=created, keep=None)


@pytest.mark.parametrize("created", [NEWER, PACKAGED_DAY])
def test_a_snapshot_that_is_not_older_is_used(tmp_path: Path, created: date) -> None:
    write_small_snapshot(tmp_path, created)
    catalogue = Catalogue(user=tmp_path)
    assert len(catalogue.types_file.types) == 1
    assert catalogue.prices_file == Catalogue().prices_file
    assert catalogue.warnings == []


def test_an_older_snapshot_is_ignored(tmp_path: Path) -> None:
    write_small_snapshot(tmp_path, OLDER)
    catalogue = Catalogue(user=tmp_path)
    assert catalogue.types == Catalogue().types
    assert catalogue.warnings == []


def test_no_snapshot_is_no_problem(tmp_path: Path) -> None:
    catalogue = Catalogue(user=tmp_path / "missing")
    assert catalogue.types == Catalogue().types
    assert catalogue.warnings == []


def test_changed_bytes_fall_back_with_a_warning(tmp_path: Path) -> None:
    write_small_snapshot(tmp_path, NEWER)
    path = tmp_path / TYPES_FILE
    path.write_bytes(path.read_bytes().replace(b'"vcpus":2', b'"vcpus":9'))
    assert_falls_back(tmp_path, TYPES_FILE)


@pytest.mark.parametrize("content", [b"", b"{", b'{"types": 1}', b"\xff\xfe", b"[]"])
def test_bytes_that_are_no_catalogue_fall_back_with_a_warning(
    tmp_path: Path, content: bytes
) -> None:
    write_small_snapshot(tmp_path, NEWER)
    (tmp_path / TYPES_FILE).write_bytes(content)
    hashes = {TYPES_FILE: digest(content)}
    write_manifest(tmp_path, Manifest(created=NEWER, counts={}, sha256=hashes))
    assert_falls_back(tmp_path, TYPES_FILE)


def test_a_missing_file_falls_back_with_a_warning(tmp_path: Path) -> None:
    write_small_snapshot(tmp_path, NEWER)
    (tmp_path / TYPES_FILE).unlink()
    assert_falls_back(tmp_path, TYPES_FILE)


def test_a_damaged_manifest_falls_back_with_a_warning(tmp_path: Path) -> None:
    write_small_snapshot(tmp_path, NEWER)
    (tmp_path / MANIFEST).write_text('{"created": "yesterday"}')
    assert_falls_back(tmp_path, MANIFEST)


def test_a_stop_between_the_file_and_its_manifest_falls_back(tmp_path: Path) -> None:
    write_small_snapshot(tmp_path, NEWER)
    full = Catalogue().types_file
    replace_file(tmp_path / TYPES_FILE, render_types_file(full))
    assert_falls_back(tmp_path, TYPES_FILE)


def assert_falls_back(user: Path, name: str) -> None:
    catalogue = Catalogue(user=user)
    assert catalogue.types == Catalogue().types
    assert len(catalogue.warnings) == 1
    assert name in catalogue.warnings[0]


def test_damaged_packaged_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=TYPES_FILE):
        _ = Catalogue(packaged=tmp_path).types
    (tmp_path / TYPES_FILE).write_text("{}")
    with pytest.raises(CatalogueError, match=TYPES_FILE):
        _ = Catalogue(packaged=tmp_path).types


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    contents = [b"a" * 300_000, b"b" * 500_000]
    replace_file(path, contents[0])
    done = threading.Event()

    def write() -> None:
        for turn in range(100):
            replace_file(path, contents[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        assert path.read_bytes() in contents
    writer.join()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.mkdir()
    with pytest.raises(OSError):
        replace_file(path, b"content")
    assert list(tmp_path.iterdir()) == [path]


def test_one_record_a_line() -> None:
    lines = (PACKAGED / TYPES_FILE).read_text(encoding="utf-8").splitlines()
    names = [json.loads(line.rstrip(","))["name"] for line in lines if line.startswith('{"name"')]
    assert names == [item.name for item in Catalogue().types_file.types]


def test_an_unsurveyed_region_is_unknown_not_unoffered(catalogue: Catalogue) -> None:
    assert "mx-central-1" not in catalogue.surveyed_regions
    assert catalogue.purchase("g5.xlarge", "mx-central-1").status == "unknown"
    assert catalogue.purchase("p3.2xlarge", "mx-central-1").status == "not_offered"


def test_a_withdrawn_type_keeps_its_last_price(catalogue: Catalogue) -> None:
    purchase = catalogue.purchase("p3.2xlarge", "us-east-1")
    assert purchase.status == "not_offered"
    assert purchase.last_known is not None


def test_capacity_blocks_can_be_sold_where_on_demand_is_not(catalogue: Catalogue) -> None:
    assert "ap-northeast-1" not in catalogue.types["p5e.48xlarge"].regions
    assert catalogue.purchase("p5e.48xlarge", "ap-northeast-1", "capacity-block").status == "price"
    assert catalogue.purchase("p5e.48xlarge", "ap-northeast-1").status == "not_offered"
