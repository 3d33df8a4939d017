"""describe and compare: full profiles with prices, like compared with like, ratios."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import NotOffered, Price, Unknown
from tools.attributes import ATTRIBUTES, BY_KEY
from tools.errors import ToolInputError, UnknownNameError, UnknownRegionError
from tools.instances import (
    MAX_NAMES,
    CompareRequest,
    Comparison,
    DescribeRequest,
    Description,
    compare,
    describe,
)
from tools.profiles import FamilyProfile, GpuProfile, InstanceProfile, SeriesProfile

TOKYO = "ap-northeast-1"


def one(catalogue: Catalogue, name: str, region: str = TOKYO) -> InstanceProfile:
    item = described(catalogue, name, region=region).items[0]
    assert isinstance(item, InstanceProfile)
    return item


def described(catalogue: Catalogue, *names: str, region: str = TOKYO) -> Description:
    return describe(catalogue, DescribeRequest(names=names, region=region))


def compared(catalogue: Catalogue, *names: str, region: str = TOKYO) -> Comparison:
    return compare(catalogue, CompareRequest(names=names, region=region))


def row(result: Comparison, attribute: str) -> Mapping[str, object]:
    found = next(row for row in result.rows if row.attribute == attribute)
    return dict(zip(result.columns, found.values, strict=True))


def test_an_instance_comes_with_its_gpu_family_and_price(catalogue: Catalogue) -> None:
    item = one(catalogue, "G5 XLARGE")
    assert (item.key, item.type.vcpus, item.type.memory_gib) == ("g5.xlarge", 4, 16)
    assert item.gpu is not None
    assert (item.gpu.key, item.gpu.memory_gb) == ("A10G", 24)
    assert item.family is not None
    assert item.family.cpu_model is not None
    assert item.usd_per_hour == Decimal("1.459")
    quote = item.quote("on-demand")
    assert quote is not None
    assert quote.source is not None
    assert quote.source.as_of.year >= 2025


def test_both_gpu_memories_are_kept(catalogue: Catalogue) -> None:
    """24 GB on the data sheet is 22.35 GiB in the API: neither may replace the other."""
    item = one(catalogue, "g5.xlarge")
    assert BY_KEY["gpu_memory_gb"].of(item) == 24
    assert BY_KEY["gpu_memory_gib"].of(item) == pytest.approx(22.35, abs=0.01)


def test_fractional_gpus_count_as_a_share(catalogue: Catalogue) -> None:
    item = one(catalogue, "g6f.large")
    assert BY_KEY["gpu_count"].of(item) == 0.125
    assert BY_KEY["gpu_memory_gib"].of(item) == pytest.approx(2.8, abs=0.1)
    assert BY_KEY["gpu_model"].of(item) == "L4"


def test_a_type_the_region_lacks_is_quoted_in_the_reference_region(catalogue: Catalogue) -> None:
    lacking = [
        name
        for name, item in catalogue.types.items()
        if item.listed and TOKYO not in item.regions and "us-east-1" in item.regions
    ]
    item = one(catalogue, lacking[0])
    assert item.usd_per_hour is None
    assert isinstance(item.quotes[0].purchase, NotOffered)
    assert {quote.region for quote in item.quotes} == {TOKYO, "us-east-1"}


def test_no_quote_is_zero_and_each_price_has_a_source(catalogue: Catalogue) -> None:
    for name in catalogue.types:
        for quote in one(catalogue, name).quotes:
            assert isinstance(quote.purchase, Price | NotOffered | Unknown)
            if quote.usd_per_hour is not None:
                assert quote.usd_per_hour > 0
                assert quote.source is not None


def test_kinds_of_subjects(catalogue: Catalogue) -> None:
    found = described(catalogue, "g5", "H100", "P", "c6i.large").items
    assert [type(item) for item in found] == [
        FamilyProfile,
        GpuProfile,
        SeriesProfile,
        InstanceProfile,
    ]


def test_a_family_lists_its_members_smallest_first(catalogue: Catalogue) -> None:
    family = described(catalogue, "g5").items[0]
    assert isinstance(family, FamilyProfile)
    names = [member.key for member in family.members]
    assert (names[0], names[-1], len(names)) == ("g5.xlarge", "g5.48xlarge", 8)
    vcpus = [member.type.vcpus for member in family.members]
    assert vcpus == sorted(vcpus)


def test_a_gpu_lists_its_carriers_by_count(catalogue: Catalogue) -> None:
    gpu = described(catalogue, "H100").items[0]
    assert isinstance(gpu, GpuProfile)
    assert [item.key for item in gpu.carriers] == ["p5.4xlarge", "p5.48xlarge"]


def test_an_ambiguous_name_describes_all_it_can_mean(catalogue: Catalogue) -> None:
    assert [item.key for item in described(catalogue, "A100").items] == ["A100-40GB", "A100-80GB"]


def test_names_are_described_once(catalogue: Catalogue) -> None:
    assert len(described(catalogue, "g5", "G5", "Ｇ５").items) == 1


def test_sources_are_listed_once_and_all_resolve(catalogue: Catalogue) -> None:
    sources = described(catalogue, "g5", "H100", "P").sources
    ids = [source.id for source in sources]
    assert len(ids) == len(set(ids)) > 1
    assert all(catalogue.source(key).title for key in ids)


def test_every_name_of_the_catalogue_can_be_described(catalogue: Catalogue) -> None:
    for name in (
        *catalogue.types,
        *catalogue.families,
        *catalogue.gpus,
        "C",
        "P",
        "G",
        "Inf",
        "Trn",
    ):
        assert described(catalogue, name).items


def test_every_attribute_reads_every_type(catalogue: Catalogue) -> None:
    """No attribute raises on any type, and numbers are finite and not negative."""
    for name in catalogue.types:
        item = one(catalogue, name)
        for attribute in ATTRIBUTES:
            value = attribute.of(item)
            if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
                assert Decimal(str(value)).is_finite()
                assert value >= 0


def test_unknown_names_and_regions_are_typed_errors(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownNameError):
        described(catalogue, "g5.xlarge", "p4d.48xlarge")
    with pytest.raises(UnknownRegionError):
        described(catalogue, "g5.xlarge", region="mars-1")


# -- compare -------------------------------------------------------------------------------------


def test_families_compare_by_a_size_that_both_have(catalogue: Catalogue) -> None:
    assert compared(catalogue, "g5", "g4dn").columns == ("g5.xlarge", "g4dn.xlarge")


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("c6i", "c7g"), ("c6i.xlarge", "c7g.xlarge")),
        (("c6i", "c6g", "c6a"), ("c6i.xlarge", "c6g.xlarge", "c6a.xlarge")),
        (("g5", "g6e"), ("g5.xlarge", "g6e.xlarge")),
        (("g5.xlarge", "g5.2xlarge"), ("g5.xlarge", "g5.2xlarge")),
        (("A10G", "L4"), ("A10G", "L4")),
        (("p4d", "p4de"), ("p4d.24xlarge", "p4de.24xlarge")),
        (("p4d", "p5"), ("p4d.24xlarge", "p5.48xlarge")),
        (("p5", "p5en"), ("p5.48xlarge", "p5en.48xlarge")),
        (("p4d", "g5"), ("p4d.24xlarge", "g5.24xlarge")),
    ],
)
def test_representatives_compare_like_with_like(
    catalogue: Catalogue, names: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    """A size that all have, else the largest of each."""
    assert compared(catalogue, *names).columns == columns


def test_a_named_type_stands_for_itself(catalogue: Catalogue) -> None:
    result = compared(catalogue, "g5.2xlarge", "g4dn")
    assert result.columns[0] == "g5.2xlarge"
    assert result.columns[1].startswith("g4dn.")


def test_representatives_stand_in_the_order_of_the_items(catalogue: Catalogue) -> None:
    for left, right in (("g5", "c6i"), ("c6i", "g5"), ("p5", "H100"), ("g6f", "gr6")):
        result = compared(catalogue, left, right)
        for item, column in zip(result.items, result.columns, strict=True):
            keys = {item.key}
            if isinstance(item, FamilyProfile):
                keys = {member.key for member in item.members}
            if isinstance(item, GpuProfile):
                keys = {carrier.key for carrier in item.carriers}
            assert column in keys


def test_a_row_holds_the_values_of_its_columns(catalogue: Catalogue) -> None:
    result = compared(catalogue, "g5", "g4dn")
    assert row(result, "gpu_memory_gb") == {"g5.xlarge": 24, "g4dn.xlarge": 16}
    assert row(result, "bf16") == {"g5.xlarge": True, "g4dn.xlarge": False}
    assert row(result, "network_gbps") == {"g5.xlarge": 10, "g4dn.xlarge": 25}
    assert row(result, "nvme_gb") == {"g5.xlarge": 250, "g4dn.xlarge": 125}
    assert row(result, "usd_per_hour") == {
        "g5.xlarge": Decimal("1.459"),
        "g4dn.xlarge": Decimal("0.71"),
    }


def test_ratios_are_larger_over_smaller_of_two_that_differ(catalogue: Catalogue) -> None:
    result = compared(catalogue, "g5", "g4dn")
    for found in result.rows:
        numbers = [v for v in found.values if isinstance(v, Decimal)]
        if found.ratio is None:
            assert len(numbers) < 2 or not found.differs or min(numbers) == 0
        else:
            assert found.ratio == max(numbers) / min(numbers) > 1
    price = next(found for found in result.rows if found.attribute == "usd_per_hour")
    assert price.ratio == Decimal("1.459") / Decimal("0.71")


def test_three_columns_have_no_ratio(catalogue: Catalogue) -> None:
    assert all(found.ratio is None for found in compared(catalogue, "g5", "g4dn", "g6").rows)


def test_swapping_the_names_swaps_the_columns(catalogue: Catalogue) -> None:
    forth, back = compared(catalogue, "g5", "g4dn"), compared(catalogue, "g4dn", "g5")
    assert forth.columns == back.columns[::-1]
    assert [found.values for found in forth.rows] == [found.values[::-1] for found in back.rows]
    assert [found.ratio for found in forth.rows] == [found.ratio for found in back.rows]


def test_a_comparison_needs_two_different_things(catalogue: Catalogue) -> None:
    for names in (("g5",), ("g5", "G5")):
        with pytest.raises(ToolInputError):
            compared(catalogue, *names)


def test_at_most_six_names_are_accepted(runner: ToolRunner) -> None:
    names = ["g5", "g6", "g4dn", "p5", "p4d", "c6i", "c7i"]
    with pytest.raises(ToolInputError):
        runner.run("compare_instances", {"names": names})
    result = runner.run("compare_instances", {"names": names[:MAX_NAMES]})
    assert isinstance(result, Comparison)
    assert len(result.columns) == MAX_NAMES


def test_gpus_compare_as_gpus(catalogue: Catalogue) -> None:
    result = compared(catalogue, "A100", "H100")
    assert result.columns == ("A100-40GB", "A100-80GB", "H100")
    assert row(result, "memory_bandwidth_gb_s")["H100"] == 3350
