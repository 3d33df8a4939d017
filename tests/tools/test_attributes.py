"""The attribute registry: unique keys, labels in both languages, and words that lead to it."""

from __future__ import annotations

import pytest

from assistant.planner.vocabulary import table
from knowledge.ec2.catalogue import Catalogue
from tools.attributes import ATTRIBUTES, BY_KEY
from tools.instances import FindRequest
from tools.profiles import Profiler


def test_keys_are_unique() -> None:
    assert len(BY_KEY) == len(ATTRIBUTES)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_labels_are_unique_in_each_language(language: str) -> None:
    """Two rows of a table with the same label could not be told apart."""
    labels = [getattr(attribute, language) for attribute in ATTRIBUTES]
    assert all(labels)
    assert len(set(labels)) == len(labels)


def test_every_attribute_has_a_value_somewhere(catalogue: Catalogue) -> None:
    profiler = Profiler(catalogue, "ap-northeast-1")
    items = [profiler.instance(name) for name in catalogue.types]
    for attribute in ATTRIBUTES:
        assert any(attribute.of(item) is not None for item in items), attribute.key


def test_gpu_attributes_read_gpus(catalogue: Catalogue) -> None:
    """What is read on a GPU equals what is read on a type with whole GPUs of that model."""
    profiler = Profiler(catalogue, "ap-northeast-1")
    for item in catalogue.types.values():
        if item.gpu and item.gpu.partition == 1 and item.gpu.gpu in catalogue.gpus:
            profile = profiler.instance(item.name, brief=True)
            gpu = catalogue.gpus[item.gpu.gpu]
            for attribute in ATTRIBUTES:
                if attribute.gpu and attribute.key != "gpu_memory_gib":
                    assert attribute.of(profile) == attribute.of(gpu), (item.name, attribute.key)


def test_an_attribute_without_a_gpu_reader_has_no_value_on_a_gpu(catalogue: Catalogue) -> None:
    gpu = catalogue.gpus["H100"]
    assert {a.key for a in ATTRIBUTES if a.gpu is None and a.of(gpu) is not None} == set()


def test_every_word_of_the_vocabulary_names_an_attribute_of_the_registry() -> None:
    assert set(table("attributes")) <= set(BY_KEY)


def test_every_filter_names_an_attribute_or_a_field_of_the_search() -> None:
    for row in table("filters")["filter"]:
        fields = set(row) - {"words", "claim", "op", "value"}
        assert fields, row
        assert fields <= {"attribute", *FindRequest.model_fields}
        if "attribute" in row:
            assert row["attribute"] in BY_KEY


def test_every_unit_measures_an_attribute_of_the_registry() -> None:
    measured = {unit["attribute"] for unit in table("units")["unit"].values()}
    special = {"memory", "generation"}  # read by the words around the number
    assert measured - special <= set(BY_KEY)


def test_every_attribute_can_be_asked_for() -> None:
    """A registry entry without words would be shown but never found."""
    unasked = {"threads_per_core", "cpu_maker", "gpu_memory_gib", "gpu_memory_total_gib",
               "nvlink_generation", "nvme_disks", "neuron_model", "neuron_devices",
               "neuron_memory_gib",
               "capacity_block", "block_usd_per_hour"}  # asked for by the term  # fmt: skip
    assert set(BY_KEY) - set(table("attributes")) <= unasked
