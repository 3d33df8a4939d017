"""Compare the glossary's figures about instance types, families and GPUs with the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu, InstanceType, Price
from knowledge.glossary_entries import Entry, EntryFact
from tools.attributes import BY_KEY
from tools.profiles import InstanceProfile

RENAMED = {"architecture": "gpu_architecture", "gpu": "gpu_model"}
"""Attribute names of the glossary that the registry spells otherwise."""

WORDS = {True: "yes", False: "no"}


def fact_problems(entry: Entry, catalogue: Catalogue) -> Iterator[str]:
    """Yield, for each fact that differs from the catalogue, a line that quotes both."""
    for fact in entry.facts:
        if fact.subject is None:
            continue
        try:
            known = catalogue_values(fact, catalogue)
        except KeyError as error:
            yield f"{entry.id}: {fact.name}: the catalogue does not know {error}"
            continue
        if not any(same(fact.value, value) for value in known):
            yield (
                f"{entry.id}: {fact.subject} {fact.attribute}: the glossary says {fact.value!r}, "
                f"the catalogue says {' / '.join(map(str, known)) or 'nothing'}"
            )
        yield from _price_wording(entry, fact, catalogue)


def catalogue_values(fact: EntryFact, catalogue: Catalogue) -> list[Any]:
    """Return what the catalogue says about a fact's subject and attribute. Raises KeyError."""
    assert fact.subject is not None and fact.attribute is not None
    if fact.subject in catalogue.gpus:
        return [attribute_of(catalogue.gpus[fact.subject], fact.attribute)]
    if fact.subject in catalogue.types:
        item = catalogue.types[fact.subject]
        if fact.attribute == "usd_per_hour":
            return [price(item, fact.region or "", catalogue)]
        return [attribute_of(profile(item, catalogue), fact.attribute)]
    return _family_values(fact, catalogue)


def _family_values(fact: EntryFact, catalogue: Catalogue) -> list[Any]:
    assert fact.subject is not None and fact.attribute is not None
    members = [profile(item, catalogue) for item in catalogue.families[fact.subject]]
    if fact.attribute == "gpu":
        return list(
            dict.fromkeys(
                name for item in members if item.gpu for name in (item.gpu.key, item.gpu.model)
            )
        )
    bound, _, attribute = fact.attribute.partition("_")
    if bound in ("max", "min"):
        values = [value for item in members if (value := attribute_of(item, attribute)) is not None]
        return [max(values) if bound == "max" else min(values)]
    return list(dict.fromkeys(attribute_of(item, fact.attribute) for item in members))


def attribute_of(subject: InstanceProfile | Gpu, attribute: str) -> Any:
    """Return a registry attribute of a profile or GPU. Raises KeyError."""
    return BY_KEY[RENAMED.get(attribute, attribute)].of(subject)


def profile(item: InstanceType, catalogue: Catalogue) -> InstanceProfile:
    """Return the type with its GPU's and family's facts, without prices."""
    return InstanceProfile(
        type=item,
        gpu=catalogue.gpu_of(item),
        family=catalogue.family_facts.get(item.family),
        quotes=(),
    )


def price(item: InstanceType, region: str, catalogue: Catalogue) -> Decimal | None:
    """Return the on-demand price in USD per hour, also of a type that was withdrawn."""
    found = catalogue.purchase(item.name, region)
    found = found if isinstance(found, Price) else getattr(found, "last_known", None)
    return found.usd_per_hour if found else None


def same(written: object, known: object) -> bool:
    """Whether a written value is the catalogue's, at the precision in which it is written."""
    if known is None:
        return False
    if isinstance(known, bool):
        return written == known or written == WORDS[known]
    left, right = _number(written), _number(known)
    if left is None or right is None:
        return str(written).removeprefix("NVIDIA ").removeprefix("AMD ") == str(known)
    return abs(left - right) <= half_step(left)


def half_step(number: Decimal) -> Decimal:
    """Return half of the last written digit: 22.35 stands for 22.345 to 22.355."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(5).scaleb(exponent - 1) if exponent < 0 else Decimal(0)


def _number(value: object) -> Decimal | None:
    try:
        return None if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None


def _price_wording(entry: Entry, fact: EntryFact, catalogue: Catalogue) -> Iterator[str]:
    """Yield a problem where an estimated price is not called an estimate."""
    if fact.attribute != "usd_per_hour" or fact.subject not in catalogue.types:
        return
    found = catalogue.purchase(fact.subject, fact.region or "")
    if isinstance(found, Price) and catalogue.source(found.source).estimated:
        if "推定" not in fact.name + fact.unit and "推定" not in entry.body:
            yield f"{entry.id}: {fact.name} is an estimate in the catalogue; call it 推定"
