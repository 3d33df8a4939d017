"""Refresh against a moto server and a stand-in EC2: what it writes, keeps and reports."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from knowledge.ec2.catalogue import MANIFEST, PACKAGED, Catalogue
from knowledge.ec2.files import TYPES_FILE, write_types
from knowledge.ec2.rebuild import rebuild
from knowledge.ec2.refresh import RefreshReport, aws_source, main, refresh_specs
from knowledge.ec2.schema import InstanceType, Manifest

if TYPE_CHECKING:
    from tests.knowledge.ec2.conftest import FakeEc2

TODAY = date(2027, 1, 15)
OSAKA, TOKYO = "ap-northeast-3", "ap-northeast-1"


def refresh(target: Path, ec2: FakeEc2, *regions: str) -> RefreshReport:
    return refresh_specs(
        target, regions=regions, source=aws_source(TODAY), endpoint_url=ec2.url, attempts=1
    )


@pytest.mark.usefixtures("no_aws")
def test_the_packaged_snapshot_is_what_our_refresh_makes_of_moto(tmp_path: Path) -> None:
    """It starts from an empty file: no figure is there only because it was there before."""
    shutil.copytree(PACKAGED, tmp_path, dirs_exist_ok=True)
    packaged = Catalogue().types_file
    empty = packaged.model_copy(update={"types": (), "other_types": ()})
    manifest = Manifest.model_validate_json((PACKAGED / MANIFEST).read_bytes())
    write_types(tmp_path, empty, created=manifest.created, keep=manifest)
    report = rebuild(tmp_path)
    for name in (TYPES_FILE, MANIFEST):
        assert (tmp_path / name).read_bytes() == (PACKAGED / name).read_bytes()
    assert len(report.added) == report.types == len(packaged.types)
    assert (report.withdrawn, report.unreadable) == ((), {})


def test_a_refreshed_type_has_new_figures_source_and_regions(
    tmp_path: Path, fake_ec2: FakeEc2
) -> None:
    report = refresh(tmp_path, fake_ec2, TOKYO)
    catalogue = Catalogue(user=tmp_path)
    item = catalogue.types["c6i.large"]
    assert item.clock_ghz == 9.9
    assert catalogue.source(item.source).as_of == TODAY == catalogue.specs_as_of
    assert item.regions == Catalogue().types["c6i.large"].regions
    assert report.regions == (TOKYO,)
    assert "m7i.large" in catalogue.other_types


def test_a_type_that_the_region_no_longer_offers_leaves_only_that_region(
    tmp_path: Path, fake_ec2: FakeEc2
) -> None:
    refresh(tmp_path, fake_ec2, TOKYO)
    before, after = Catalogue().types["g5.xlarge"], Catalogue(user=tmp_path).types["g5.xlarge"]
    assert after.regions == tuple(region for region in before.regions if region != TOKYO)
    assert after.listed
    assert after.source == before.source


def test_a_type_that_no_region_offers_any_more_is_kept_as_unlisted(
    tmp_path: Path, fake_ec2: FakeEc2
) -> None:
    report = refresh(tmp_path, fake_ec2)
    catalogue = Catalogue(user=tmp_path)
    item = catalogue.types["p4d.24xlarge"]
    assert (item.listed, item.regions) == (False, ())
    assert "p4d.24xlarge" in report.withdrawn
    purchase = catalogue.purchase("p4d.24xlarge", "us-east-1")
    assert purchase.status == "not_offered"
    assert purchase.last_known is not None


def test_a_returning_type_is_listed_again(tmp_path: Path, fake_ec2: FakeEc2) -> None:
    fake_ec2.answer = lambda action, region, _: fake_ec2.reply(action, region, "p3.2xlarge")
    report = refresh(tmp_path, fake_ec2, TOKYO)
    item = Catalogue(user=tmp_path).types["p3.2xlarge"]
    assert (item.listed, item.regions) == (True, (TOKYO,))
    assert report.added == ("p3.2xlarge",)


def test_types_of_a_second_region_are_described_by_name(tmp_path: Path, fake_ec2: FakeEc2) -> None:
    names = {TOKYO: "c6i.large", OSAKA: "c99i.large"}
    seen: list[dict[str, str]] = []

    def answer(action: str, region: str, parameters: dict[str, str]) -> tuple[int, str]:
        seen.append(parameters)
        return fake_ec2.reply(action, region, names[region])

    fake_ec2.answer = answer
    report = refresh(tmp_path, fake_ec2, TOKYO, OSAKA)
    assert report.added == ("c99i.large",)
    assert Catalogue(user=tmp_path).types["c99i.large"].regions == (OSAKA,)
    assert [call.get("InstanceType.1") for call in seen][2:] == [None, "c99i.large"]


def test_all_pages_are_read(tmp_path: Path, fake_ec2: FakeEc2) -> None:
    def answer(action: str, region: str, parameters: dict[str, str]) -> tuple[int, str]:
        if "NextToken" in parameters:
            return fake_ec2.reply(action, region, "c98i.large")
        return fake_ec2.reply(action, region, "c99i.large", next_token="more")

    fake_ec2.answer = answer
    assert set(refresh(tmp_path, fake_ec2, TOKYO).added) == {"c98i.large", "c99i.large"}


def test_a_region_that_fails_keeps_its_previous_offerings(
    tmp_path: Path, fake_ec2: FakeEc2
) -> None:
    fake_ec2.answer = lambda action, region, _: (
        fake_ec2.error("InternalError", 500) if region == OSAKA else fake_ec2.reply(action, region)
    )
    report = refresh(tmp_path, fake_ec2, TOKYO, OSAKA)
    assert list(report.failures) == [OSAKA]
    before, after = Catalogue().types, Catalogue(user=tmp_path).types
    assert offered_in(after, OSAKA) == offered_in(before, OSAKA)
    assert offered_in(after, TOKYO) == {"c6i.large"}


def test_an_empty_answer_withdraws_nothing(tmp_path: Path, fake_ec2: FakeEc2) -> None:
    fake_ec2.answer = lambda action, region, _: (
        (200, re.sub("<item>.*</item>", "", fake_ec2.reply(action, region)[1]))
        if region == OSAKA
        else fake_ec2.reply(action, region)
    )
    report = refresh(tmp_path, fake_ec2, TOKYO, OSAKA)
    assert "no instance types" in report.failures[OSAKA]
    assert offered_in(Catalogue(user=tmp_path).types, OSAKA)


def test_a_type_of_an_unexpected_shape_is_reported_and_keeps_its_record(
    tmp_path: Path, fake_ec2: FakeEc2
) -> None:
    def answer(action: str, region: str, parameters: dict[str, str]) -> tuple[int, str]:
        status, text = fake_ec2.reply(action, region, "c6i.large", "c6i.xlarge")
        return status, text.replace("<memoryInfo><sizeInMiB>4096</sizeInMiB></memoryInfo>", "", 1)

    fake_ec2.answer = answer
    report = refresh(tmp_path, fake_ec2, TOKYO)
    assert list(report.unreadable) == ["c6i.large"]
    after = Catalogue(user=tmp_path).types
    assert after["c6i.large"].memory_mib == Catalogue().types["c6i.large"].memory_mib
    assert after["c6i.xlarge"].clock_ghz == 9.9


def test_refreshing_twice_changes_nothing(tmp_path: Path, fake_ec2: FakeEc2) -> None:
    refresh(tmp_path, fake_ec2, TOKYO)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    report = refresh(tmp_path, fake_ec2, TOKYO)
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert (report.added, report.withdrawn) == ((), ())


def test_an_older_user_snapshot_is_not_the_base_of_a_refresh(
    tmp_path: Path, fake_ec2: FakeEc2
) -> None:
    file = Catalogue().types_file
    old = file.model_copy(update={"types": file.types[:1]})
    stale = Manifest(created=date(2020, 1, 1), counts={}, sha256={"prices.json": "0"})
    write_types(tmp_path, old, created=date(2020, 1, 1), keep=stale)
    refresh(tmp_path, fake_ec2, TOKYO)
    catalogue = Catalogue(user=tmp_path)
    assert len(catalogue.types) == len(Catalogue().types)
    assert catalogue.user_manifest is not None
    assert list(catalogue.user_manifest.sha256) == [TYPES_FILE]


def test_the_command_refreshes_and_tells_what_it_did(
    tmp_path: Path, fake_ec2: FakeEc2, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--into", str(tmp_path), "--endpoint-url", fake_ec2.url, "--region", TOKYO]
    assert main([*arguments, "--as-of", "2027-01-15"]) == 0
    assert Catalogue(user=tmp_path).specs_as_of == TODAY
    output = capsys.readouterr()
    assert output.out == ""
    assert f"{TOKYO}: 2 types (1/1)" in output.err


def offered_in(types: dict[str, InstanceType], region: str) -> set[str]:
    return {name for name, item in types.items() if region in item.regions}
