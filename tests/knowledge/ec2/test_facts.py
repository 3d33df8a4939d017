"""The packaged catalogue against independently collected fact tables, field by field."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType, Price, Term

Rows = Callable[[str], list[dict[str, str]]]

TEXT_WINS = {
    "c6in.32xlarge": 200,
    "c6in.metal": 200,
    "g3.16xlarge": 25,
    "g6e.24xlarge": 200,
    "g6e.48xlarge": 400,
    "p2.8xlarge": 10,
    "p2.16xlarge": 25,
    "p3.16xlarge": 25,
    "p6-b200.48xlarge": 3200,
    "p6-b300.48xlarge": 6400,
    "trn2.3xlarge": 200,
}
"""Types whose network cards contradict the API's text, with the total that the text names."""

TERMS: dict[str, Term] = {
    "ondemand": "on-demand",
    "spot_estimate": "spot",
    "ri_1y_all_upfront_hourly": "reserved-1y-all-upfront",
    "capacity_block_hourly": "capacity-block",
}


def test_every_c_p_and_g_type_is_in_the_catalogue(catalogue: Catalogue, rows: Rows) -> None:
    expected = {row["instance_type"] for row in rows("data/specs.csv")}
    assert expected == {item.name for item in catalogue.types.values() if item.series in "CPG"}


@pytest.mark.parametrize("table", ["data/specs.csv", "data/specs_accel.csv"])
def test_specifications(catalogue: Catalogue, rows: Rows, table: str) -> None:
    for row in rows(table):
        item = catalogue.types[row["instance_type"]]
        assert _compute(item) == _expected_compute(row), item.name
        assert _network(item) == _expected_network(row), item.name
        assert _storage(item) == _expected_storage(row), item.name
        assert _purchasing(item) == _expected_purchasing(row), item.name


def test_gpus_of_types(catalogue: Catalogue, rows: Rows) -> None:
    for row in rows("data/specs.csv"):
        item = catalogue.types[row["instance_type"]]
        gpu = catalogue.gpu_of(item)
        if item.gpu is None or gpu is None:
            assert row["gpu_name"] == "", item.name
            continue
        assert f"{gpu.maker} {gpu.model}" == row["gpu_name"]
        assert item.gpu.count == float(row["gpu_count"])
        assert round(item.gpu.memory_gib, 2) == float(row["gpu_memory_gib_each"])
        # The table multiplies rounded values; a hundredth of a GiB for each of 8 GPUs.
        assert item.gpu.memory_total_gib == pytest.approx(
            float(row["gpu_memory_gib_total"]), abs=0.1
        )


def test_accelerators_of_types(catalogue: Catalogue, rows: Rows) -> None:
    for row in rows("data/specs_accel.csv"):
        neuron = catalogue.types[row["instance_type"]].neuron
        if neuron is None:
            assert row["accel_name"] == ""
            continue
        assert f"AWS {neuron.model}" == row["accel_name"]
        assert neuron.devices == int(row["accel_count"])
        assert neuron.cores_each == int(row["neuron_cores_each"])
        gib = float(row["accel_memory_gib_each"])
        assert neuron.memory_mib == (None if gib == 512 else gib * 1024)


def test_offerings(catalogue: Catalogue, rows: Rows) -> None:
    expected = {(row["instance_type"], row["region"]) for row in rows("data/offerings.csv")}
    found = {
        (item.name, region)
        for item in catalogue.types.values()
        for region in item.regions
        if item.series in "CPG"
    }
    assert found == expected


def test_every_usable_price_is_in_the_catalogue_and_no_other(
    catalogue: Catalogue, rows: Rows
) -> None:
    expected = {
        (TERMS[row["term"]], row["region"], row["instance_type"]): Decimal(row["usd_per_hour"])
        for row in rows("data/prices.csv")
        if _is_usable(row, catalogue)
    }
    found = {
        (term, region, name): price
        for term, regions in catalogue.prices_file.prices.items()
        for region, types in regions.items()
        for name, (price, _) in types.items()
    }
    assert found == expected


def test_a_price_keeps_the_date_of_its_row(catalogue: Catalogue, rows: Rows) -> None:
    for row in rows("data/prices.csv"):
        if not _is_usable(row, catalogue):
            continue
        price = _price(catalogue, row)
        source = catalogue.source(price.source)
        assert source.as_of.isoformat() == row["as_of"]
        assert source.estimated == row["source"].startswith(("derived", "spot-advisor"))


def test_spot_advice(catalogue: Catalogue, rows: Rows) -> None:
    table = rows("data/spot_advisor.csv")
    for row in table:
        advice = catalogue.spot_advice(row["instance_type"], row["region"])
        assert advice is not None
        assert advice.savings_percent == int(row["savings_pct"])
        assert advice.interruption == row["interruption_band"]


def test_gpu_facts(catalogue: Catalogue, rows: Rows) -> None:
    columns = {
        "fp32_tflops": "fp32",
        "tf32_dense_tflops": "tf32",
        "fp16_dense_tflops": "fp16",
        "bf16_dense_tflops": "bf16",
        "fp8_dense_tflops": "fp8",
    }
    keys = dict(zip((row["gpu"] for row in rows("sizing/gpus.csv")), _GPU_KEYS, strict=True))
    for row in rows("sizing/gpus.csv"):
        gpu = catalogue.gpus[keys[row["gpu"]]]
        assert gpu.memory_gb == int(row["memory_gb_marketing"])
        assert gpu.memory_mib == int(row["ec2_api_mib_per_gpu"])
        assert gpu.compute_capability == row["compute_capability"]
        assert gpu.bf16 == (row["bf16_native"] == "yes")
        assert gpu.fp8 == (row["fp8_native"] == "yes")
        _assert_number(gpu.memory_bandwidth_gb_s, row["memory_bw_gb_s"])
        _assert_number(gpu.nvlink_gb_s, row["nvlink_gb_s_per_gpu_bidirectional"])
        for column, precision in columns.items():
            if _is_number(row[column]):
                assert gpu.tflops[precision] == float(row[column])  # type: ignore[index]


_GPU_KEYS = (
    *("V100-16GB", "V100-32GB", "T4", "T4g", "A10G", "L4", "L40S", "A100-40GB", "A100-80GB"),
    *("H100", "H200", "B200", "B300", "RTX PRO 6000", "RTX PRO 4500"),
)


def _compute(item: InstanceType) -> tuple[object, ...]:
    return (
        (item.family, item.series, item.current_generation, item.bare_metal, item.listed),
        (item.vcpus, item.cores, item.threads_per_core, item.arch, item.cpu_maker),
        (round(item.memory_gib, 3), item.clock_ghz),
    )


def _expected_compute(row: dict[str, str]) -> tuple[object, ...]:
    clock = row["sustained_clock_ghz"]
    flags = (_bool(row[name]) for name in ("generation_current", "bare_metal", "listed_2026_10"))
    counts = (int(row[name]) for name in ("vcpu", "cores", "threads_per_core"))
    return (
        (row["family"], row["series"], *flags),
        (*counts, row["arch"], row["cpu_manufacturer"]),
        (round(float(row["memory_gib"]), 3), float(clock) if clock else None),
    )


def _network(item: InstanceType) -> tuple[object, ...]:
    network = item.network
    return (
        (network.text, network.cards, network.efa_interfaces),
        (network.baseline_gbps, network.peak_gbps),
    )


def _expected_network(row: dict[str, str]) -> tuple[object, ...]:
    total = TEXT_WINS.get(row["instance_type"])
    columns = ("network_baseline_gbps", "network_peak_gbps")
    gbps = (total, total) if total else tuple(float(row[name]) for name in columns)
    efa = int(row["efa_max"])
    assert _bool(row["efa_supported"]) == (efa > 0)
    return (row["network_performance"], int(row["network_cards"]), efa), gbps


def _storage(item: InstanceType) -> tuple[object, ...]:
    store = item.instance_store
    disks = (store.total_gb, store.disks) if store else (0, 0)
    return (item.ebs.baseline_mbps, item.ebs.maximum_mbps, *disks)


def _expected_storage(row: dict[str, str]) -> tuple[object, ...]:
    ebs = (row["ebs_baseline_mbps"], row["ebs_max_mbps"])
    disks = (int(row["local_nvme_gb_total"]), int(row["nvme_disks"]))
    return (*(int(value) if value else None for value in ebs), *disks)


def _purchasing(item: InstanceType) -> tuple[bool, bool]:
    return "spot" in item.usage_classes, "capacity-block" in item.usage_classes


def _expected_purchasing(row: dict[str, str]) -> tuple[bool, bool]:
    return _bool(row["spot_supported"]), _bool(row["capacity_block_supported"])


def _is_usable(row: dict[str, str], catalogue: Catalogue) -> bool:
    """Return whether a row is a price of a type and region we know, and not known to be stale."""
    known = row["instance_type"] in catalogue.types and row["region"] in catalogue.regions
    spot_on_old_price = "spot-advisor" in row["source"] and "[ec2-instances" in row["source"]
    stale = spot_on_old_price or "before the 2025-06 on-demand cut" in row["source"]
    return known and not stale


def _price(catalogue: Catalogue, row: dict[str, str]) -> Price:
    purchase = catalogue.purchase(row["instance_type"], row["region"], TERMS[row["term"]])
    price = purchase.last_known if purchase.status == "not_offered" else purchase
    assert isinstance(price, Price)
    return price


def _bool(text: str) -> bool:
    assert text in ("true", "false")
    return text == "true"


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _assert_number(value: float | None, text: str) -> None:
    assert value == (float(text) if _is_number(text) else None)
