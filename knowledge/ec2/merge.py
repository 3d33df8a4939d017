"""Merge what AWS answered with the previous catalogue file. No network, no files.

Regions that did not answer keep what was known of them. A type that is no longer described stays
in the catalogue as unlisted, with the source it had, so that questions about it can be answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from knowledge.ec2.catalogue import InstanceTypesFile
from knowledge.ec2.describe import parse_instance_type, series_of
from knowledge.ec2.files import build_types_file
from knowledge.ec2.schema import Gpu, InstanceType, Source
from knowledge.ec2.survey import Survey

Offerings = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Merged:
    """The new types file, and the types that could not be read, with the cause."""

    file: InstanceTypesFile
    unreadable: Mapping[str, str] = field(default_factory=dict[str, str])


def merge(
    previous: InstanceTypesFile, answers: Survey, *, gpus: tuple[Gpu, ...], source: Source
) -> Merged:
    """Return the previous file brought up to date by the answers."""
    old = {item.name: item for item in previous.types}
    fresh, unreadable = _parse(answers, gpus, source)
    types = {
        name: item.model_copy(update={"regions": _regions(name, old.get(name), answers.offered)})
        for name, item in fresh.items()
    }
    for name, item in old.items():
        types.setdefault(name, _keep(item, answers.offered))
    file = build_types_file(
        types.values(), (*previous.sources, source), _other_types(previous, answers)
    )
    return Merged(file, unreadable)


def _parse(
    answers: Survey, gpus: tuple[Gpu, ...], source: Source
) -> tuple[dict[str, InstanceType], dict[str, str]]:
    """Return the records, and the causes for items of an unexpected shape."""
    fresh: dict[str, InstanceType] = {}
    unreadable: dict[str, str] = {}
    for name, item in answers.described.items():
        if series_of(name) is None:
            continue
        try:
            fresh[name] = parse_instance_type(item, gpus, source.id)
        except (KeyError, TypeError, ValueError, StopIteration) as error:
            unreadable[name] = f"{type(error).__name__}: {error}".partition("\n")[0]
    return fresh, unreadable


def _regions(name: str, old: InstanceType | None, offered: Offerings) -> tuple[str, ...]:
    """Return where a type is offered: the answers, and the old data of silent regions."""
    unanswered = [region for region in old.regions if region not in offered] if old else []
    answered = [region for region, names in offered.items() if name in names]
    return tuple(sorted({*unanswered, *answered}))


def _keep(item: InstanceType, offered: Offerings) -> InstanceType:
    """Return an old record that no answer describes: unlisted once no region offers it."""
    regions = _regions(item.name, item, offered)
    listed = item.listed and (bool(regions) or not item.regions)
    return item.model_copy(update={"regions": regions, "listed": listed})


def _other_types(previous: InstanceTypesFile, answers: Survey) -> set[str]:
    names = {*previous.other_types, *answers.described}
    for offered in answers.offered.values():
        names |= offered
    return {name for name in names if series_of(name) is None}
