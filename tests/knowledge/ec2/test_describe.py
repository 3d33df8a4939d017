"""Reading API items of every shape that occurs, and of some that must not pass silently."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.describe import gpu_key, network_gbps, parse_instance_type, series_of


def item(name: str, **changes: Any) -> dict[str, Any]:
    """Return a minimal API item."""
    return {
        "InstanceType": name,
        "BareMetal": False,
        "CurrentGeneration": True,
        "MemoryInfo": {"SizeInMiB": 8192},
        "ProcessorInfo": {"SupportedArchitectures": ["i386", "x86_64"], "Manufacturer": "AMD"},
        "VCpuInfo": {"DefaultVCpus": 4},
        "SupportedUsageClasses": ["capacity-block", "on-demand", "something-new"],
        "NetworkInfo": {"NetworkPerformance": "Low"},
    } | changes


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("c4.large", "C"),
        ("c3.large", None),
        ("c1.medium", None),
        ("cr1.8xlarge", None),
        ("g2.2xlarge", None),
        ("gr6f.4xlarge", "G"),
        ("p6-b300.48xlarge", "P"),
        ("p6e-gb200.36xlarge", "P"),
        ("inf2.xlarge", "Inf"),
        ("trn2u.48xlarge", "Trn"),
        ("m7i.large", None),
        ("hpc7g.4xlarge", None),
        ("mac2-m2.metal", None),
        ("u-6tb1.metal", None),
        ("", None),
    ],
)
def test_series(name: str, series: str | None) -> None:
    assert series_of(name) == series


@pytest.mark.parametrize(
    ("text", "baseline", "peak", "expected"),
    [
        ("Up to 10 Gigabit", 2.5, 10, (2.5, 10)),
        ("100 Gigabit", 100, 100, (100, 100)),
        ("133.33 Gigabit", 133.333, 133.333, (133.333, 133.333)),
        ("4x 100 Gigabit", 400, 400, (400, 400)),
        ("3200 Gigabit", 1600, 1600, (3200, 3200)),
        ("400 Gigabit", 1600, 1600, (400, 400)),
        ("Up to 10 Gigabit", 12, 25, (10, 10)),
        ("25 Gigabit", None, None, (25, 25)),
        ("Up to 25 Gigabit", None, None, (None, 25)),
        ("Moderate", 0.625, 1.2, (0.625, 1.2)),
        ("High", None, None, (None, None)),
    ],
)
def test_network_total_of_the_text_wins_over_contradicting_cards(
    text: str,
    baseline: float | None,
    peak: float | None,
    expected: tuple[float | None, float | None],
) -> None:
    assert network_gbps(text, baseline=baseline, peak=peak) == expected


def test_a_fraction_of_a_gpu_counts_logical_gpus_times_partition(catalogue: Catalogue) -> None:
    gpu = {
        "Name": "L4",
        "Count": 0,
        "LogicalGpuCount": 2,
        "GpuPartitionSize": 0.25,
        "MemoryInfo": {"SizeInMiB": 5722},
    }
    parsed = parse_instance_type(
        item("g6f.2xlarge", GpuInfo={"Gpus": [gpu]}), catalogue.gpus.values(), "s"
    )
    assert parsed.gpu is not None
    assert (parsed.gpu.gpu, parsed.gpu.devices, parsed.gpu.count) == ("L4", 2, 0.5)


def test_gpu_keys_tell_memory_sizes_apart(catalogue: Catalogue) -> None:
    gpus = catalogue.gpus.values()
    assert gpu_key("A100", 40960, gpus) == "A100-40GB"
    assert gpu_key("A100", 81920, gpus) == "A100-80GB"
    assert gpu_key("RTX PRO Server 6000", 98304, gpus) == "RTX PRO 6000"
    assert gpu_key("B200", 189_440, gpus) == "B200-185GiB"
    assert gpu_key("Z9000", 1024, gpus) == "Z9000"


def test_missing_parts_become_unknown_not_zero() -> None:
    parsed = parse_instance_type(item("c9x.large"), (), "s")
    assert parsed.clock_ghz is None
    assert parsed.network.peak_gbps is None
    assert parsed.ebs.maximum_mbps is None
    assert parsed.instance_store is None
    assert parsed.usage_classes == ("on-demand", "capacity-block")
    assert (parsed.cores, parsed.threads_per_core, parsed.arch) == (4, 1, "x86_64")


def test_an_implausible_memory_of_a_neuron_device_is_unknown() -> None:
    def neuron(mib: int) -> dict[str, Any]:
        device = {
            "Name": "Trainium2",
            "Count": 16,
            "CoreInfo": {"Count": 8},
            "MemoryInfo": {"SizeInMiB": mib},
        }
        return item("trn2.48xlarge", NeuronInfo={"NeuronDevices": [device]})

    for mib, expected in ((524_288, None), (98_304, 98_304)):
        parsed = parse_instance_type(neuron(mib), (), "s").neuron
        assert parsed is not None
        assert parsed.memory_mib == expected


def test_a_name_outside_the_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match=r"m7i\.large"):
        parse_instance_type(item("m7i.large"), (), "s")
