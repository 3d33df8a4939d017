"""The engine against published runs: the bars of benchmarks/sizing.py, as a gate."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from benchmarks import sizing
from benchmarks.measure_gpu import all_runs, csv_rows
from benchmarks.sizing_cases import build_case, rows


@cache
def memory() -> list[sizing.Result]:
    return sizing.memory_results()


def test_memory_errors_stay_within_the_bars() -> None:
    found = sizing.summarise(memory())
    assert found.rows >= sizing.MEMORY_ROWS
    assert found.median <= sizing.MEMORY_MEDIAN
    assert found.p90 <= sizing.MEMORY_P90


def test_sources_that_nothing_was_fitted_on_do_as_well() -> None:
    _, held_out = sizing.split(memory(), speed=False)
    found = sizing.summarise(held_out)
    assert found.sources >= 5 and found.median <= sizing.MEMORY_MEDIAN


def test_no_run_out_of_memory_is_called_a_fit_and_what_ran_fits() -> None:
    wrong, fits, ran = sizing.fit_results()
    assert not wrong
    assert fits / ran >= sizing.RAN_SHARE


def test_throughput_errors_stay_within_the_bars() -> None:
    found = sizing.summarise(sizing.speed_results())
    assert found.median <= sizing.SPEED_MEDIAN
    assert found.p90 <= sizing.SPEED_P90


def test_every_row_has_a_source_and_every_exclusion_a_reason() -> None:
    for name in ("published_memory.csv", "published_throughput.csv"):
        for row in rows(name):
            assert row["source"] and row["id"]
            assert not row["excluded"] or len(row["excluded"]) > 15
    assert len(sizing.FITTED) <= 5


def test_every_measuring_run_can_be_predicted_from_the_row_it_writes() -> None:
    runs = all_runs()
    assert len(runs) >= 24
    figures = {"allocated": 10.0, "reserved": 11.0, "driver": 12.0, "tokens_per_s": 1000.0}
    for index, run in enumerate(runs):
        for row in csv_rows(index, run, figures, "H100"):
            text = {name: str(value) for name, value in row.items()}
            assert sizing.predicted_gib(build_case(text)) > 0
        assert csv_rows(index, run, {"oom": True}, "H100")[0]["outcome"] == "oom"
