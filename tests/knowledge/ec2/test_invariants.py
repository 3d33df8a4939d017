"""What must hold for every record of the packaged catalogue."""

from __future__ import annotations

import hashlib
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.ec2.catalogue import MANIFEST, PACKAGED, Catalogue
from knowledge.ec2.files import digest
from knowledge.ec2.schema import InstanceType, Manifest, Term
from knowledge.errors import CatalogueError

CATALOGUE = Catalogue()
TERMS: tuple[Term, ...] = get_args(Term)

types = st.sampled_from(sorted(CATALOGUE.types.values(), key=lambda item: item.name))
regions = st.sampled_from(sorted(CATALOGUE.regions))
terms = st.sampled_from(TERMS)


@given(types)
def test_vcpus_are_cores_times_threads(item: InstanceType) -> None:
    assert item.vcpus == item.cores * item.threads_per_core


@given(types)
def test_name_is_family_and_size(item: InstanceType) -> None:
    assert item.name == f"{item.family}.{item.size}"
    assert item.family.startswith(item.series.lower())
    assert str(item.generation) in item.family
    assert item.bare_metal == item.size.startswith("metal")


@given(types)
def test_gpus_are_known_and_add_up(item: InstanceType) -> None:
    if item.gpu is None:
        assert item.series not in ("P", "G")
        return
    gpu = CATALOGUE.gpus[item.gpu.gpu]
    assert item.gpu.memory_mib == pytest.approx(gpu.memory_mib * item.gpu.partition, abs=1)
    assert item.gpu.count == item.gpu.devices * item.gpu.partition > 0
    assert item.gpu.memory_total_gib == pytest.approx(item.gpu.count * gpu.memory_gib, abs=0.01)


@given(types)
def test_network_baseline_does_not_exceed_its_peak(item: InstanceType) -> None:
    baseline, peak = item.network.baseline_gbps, item.network.peak_gbps
    assert baseline is not None and peak is not None and 0 < baseline <= peak


@given(types)
def test_family_facts_exist(item: InstanceType) -> None:
    facts = CATALOGUE.family_facts[item.family]
    assert facts.good_for and facts.good_for_en
    assert (facts.caution is None) == (facts.caution_en is None)


@given(types)
def test_an_unlisted_type_is_offered_nowhere(item: InstanceType) -> None:
    assert item.listed or not item.regions
    assert set(item.regions) <= set(CATALOGUE.regions)


@given(types, regions, terms)
def test_a_purchase_is_a_price_or_says_why_not(item: InstanceType, region: str, term: Term) -> None:
    purchase = CATALOGUE.purchase(item.name, region, term)
    if purchase.status == "price":
        assert purchase.usd_per_hour > 0
        assert CATALOGUE.source(purchase.source)
    elif purchase.status == "not_offered":
        assert CATALOGUE.source(purchase.source)


@given(types, regions, terms)
def test_a_surveyed_region_without_the_type_does_not_sell_it(
    item: InstanceType, region: str, term: Term
) -> None:
    if region in CATALOGUE.surveyed_regions and region not in item.regions:
        status = CATALOGUE.purchase(item.name, region, term).status
        assert status == "not_offered" or (term, status) == ("capacity-block", "price")


@given(types, regions)
def test_spot_and_blocks_are_sold_only_where_the_api_says_so(
    item: InstanceType, region: str
) -> None:
    if "capacity-block" not in item.usage_classes:
        assert CATALOGUE.purchase(item.name, region, "capacity-block").status == "not_offered"
    if "spot" not in item.usage_classes:
        assert CATALOGUE.purchase(item.name, region, "spot").status == "not_offered"


def test_every_price_has_a_type_a_region_and_a_source() -> None:
    for by_region in CATALOGUE.prices_file.prices.values():
        assert set(by_region) <= set(CATALOGUE.regions)
        for by_type in by_region.values():
            assert set(by_type) <= set(CATALOGUE.types)
            assert all(CATALOGUE.source(source) and price > 0 for price, source in by_type.values())


def test_spot_is_below_on_demand() -> None:
    for region, by_type in CATALOGUE.prices_file.prices["spot"].items():
        on_demand = CATALOGUE.prices_file.prices["on-demand"][region]
        assert all(price < on_demand[name][0] for name, (price, _) in by_type.items())


def test_names_keys_and_source_ids_are_unique() -> None:
    current, retired = CATALOGUE.types_file, CATALOGUE.retired_file
    names = [item.name for file in (current, retired) for item in file.types]
    assert len(names) == len(set(names)) == len(CATALOGUE.types)
    assert not CATALOGUE.other_types & set(names)
    assert len(CATALOGUE.gpus) == len(CATALOGUE.gpus_file.gpus)
    assert len(CATALOGUE.family_facts) == len(CATALOGUE.families_file.families)
    ids = [source.id for source in CATALOGUE.sources]
    assert len(ids) == len(set(ids))


def test_all_citations_resolve() -> None:
    cited = {item.source for item in CATALOGUE.types.values()}
    cited |= {gpu.source for gpu in CATALOGUE.gpus.values()}
    cited |= {family.source for family in CATALOGUE.family_facts.values()}
    assert cited <= {source.id for source in CATALOGUE.sources}
    with pytest.raises(CatalogueError, match="no-such-source"):
        CATALOGUE.source("no-such-source")


def test_family_facts_are_about_families_of_the_catalogue_and_differ() -> None:
    facts = CATALOGUE.family_facts
    assert set(facts) == set(CATALOGUE.families)
    assert len({family.good_for for family in facts.values()}) == len(facts)


def test_families_are_sorted_by_size() -> None:
    assert [item.size for item in CATALOGUE.families["g5"]][:3] == ["xlarge", "2xlarge", "4xlarge"]
    assert CATALOGUE.families["c5"][-1].name == "c5.metal"


def test_manifest_states_the_hash_of_every_file() -> None:
    manifest = Manifest.model_validate_json((PACKAGED / MANIFEST).read_bytes())
    files = {path.name: path for path in PACKAGED.glob("*.json") if path.name != MANIFEST}
    assert manifest.sha256 == {name: digest(path.read_bytes()) for name, path in files.items()}
    assert digest(b"") == hashlib.sha256(b"").hexdigest()


def test_no_file_hides_a_duplicate_key() -> None:
    def refuse(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        assert len(found) == len(pairs)
        return found

    for path in PACKAGED.glob("*.json"):
        json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=refuse)


@pytest.mark.parametrize(
    ("name", "gpu", "count", "each_gib"),
    [
        ("g6f.large", "L4", 0.125, 2.79),
        ("gr6f.4xlarge", "L4", 0.5, 11.18),
        ("g5.xlarge", "A10G", 1, 22.35),
        ("p4d.24xlarge", "A100-40GB", 8, 40),
        ("p4de.24xlarge", "A100-80GB", 8, 80),
        ("p5.4xlarge", "H100", 1, 80),
        ("g7e.48xlarge", "RTX PRO 6000", 8, 96),
    ],
)
def test_known_gpus(name: str, gpu: str, count: float, each_gib: float) -> None:
    attached = CATALOGUE.types[name].gpu
    assert attached is not None
    assert (attached.gpu, attached.count) == (gpu, count)
    assert round(attached.memory_gib, 2) == each_gib
