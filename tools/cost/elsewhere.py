"""The same purchase elsewhere: cheaper regions, equivalent types, and sellers in other regions."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType, NotOffered
from tools.cost.lines import amount_of, billed
from tools.cost.models import CostLine, Equivalents, Offer, RegionOffers
from tools.cost.nearby import nearest_first
from tools.cost.terms import commitment_of
from tools.profiles import profiler

MAX_OFFERS = 5
_LAST = Decimal("Infinity")


def with_choices(catalogue: Catalogue, line: CostLine) -> CostLine:
    """Return the line with the other regions and types that a buyer would look at."""
    if line.amounts is None:
        return line.model_copy(update={"alternatives": alternatives(catalogue, line)})
    if commitment_of(line.term):
        return line
    return line.model_copy(
        update={
            "regions": region_offers(catalogue, line),
            "equivalents": equivalents(catalogue, line),
        }
    )


def offer(
    catalogue: Catalogue, line: CostLine, *, name: str | None = None, region: str | None = None
) -> Offer:
    """Return the line's purchase of another type or in another region."""
    name, region = name or line.name, region or line.region
    quote = profiler(catalogue, region).quote(name, region, line.term)
    hours, _ = billed(line.usage, line.term, line.count)
    amount = amount_of(quote, hours, line.count)
    own = line.amount
    delta = amount - own if amount is not None and own is not None else None
    return Offer(name=name, region=region, quote=quote, amount=amount, delta=delta)


def region_offers(catalogue: Catalogue, line: CostLine) -> RegionOffers:
    """Return the regions that sell the type under the term."""
    offers = [offer(catalogue, line, region=region) for region in _selling(catalogue, line)]
    priced = sorted((item for item in offers if item.amount is not None), key=_by_amount)
    unpriced = tuple(item.region for item in offers if item.amount is None)
    return RegionOffers(priced=tuple(priced), unpriced=unpriced)


def equivalents(catalogue: Catalogue, line: CostLine) -> Equivalents:
    """Return other types with the same GPUs; for CPU types: same vCPUs and no less memory."""
    own = catalogue.types[line.name]
    same = [
        item
        for item in catalogue.types.values()
        if line.region in item.regions and _equivalent(own, item)
    ]
    offers = [offer(catalogue, line, name=item.name) for item in same]
    offers = [item for item in offers if not isinstance(item.quote.purchase, NotOffered)]
    priced = sorted((item for item in offers if item.amount is not None), key=_by_amount)
    unpriced = tuple(item.name for item in offers if item.amount is None)
    return Equivalents(
        same_gpu=own.gpu is not None, priced=tuple(priced[:MAX_OFFERS]), unpriced=unpriced
    )


def alternatives(catalogue: Catalogue, line: CostLine) -> tuple[Offer, ...]:
    """Return where else to buy: the nearest seller, the nearest price, the cheapest price."""
    selling = nearest_first(
        line.region, (code for code in _selling(catalogue, line) if code != line.region)
    )
    offers = {code: offer(catalogue, line, region=code) for code in selling}
    priced = [item for item in offers.values() if item.amount is not None]
    cheapest = min(priced, key=_by_amount, default=None)
    nearest = selling[:1] if line.reason == "not_offered" else []
    wanted = [
        *nearest,
        *(item.region for item in priced[:1]),
        *([cheapest.region] if cheapest else []),
    ]
    chosen = [offers[code] for code in dict.fromkeys(wanted)]
    return tuple(_against(item, cheapest) for item in chosen)


def _against(item: Offer, cheapest: Offer | None) -> Offer:
    if item.amount is None or cheapest is None or cheapest.amount is None:
        return item
    return item.model_copy(update={"delta": item.amount - cheapest.amount})


def _selling(catalogue: Catalogue, line: CostLine) -> Iterable[str]:
    """Yield the regions that sell the type under the term, as far as the catalogue knows."""
    known = dict.fromkeys(
        (*catalogue.types[line.name].regions, *catalogue.priced_regions(line.term))
    )
    for region in known:
        if not isinstance(catalogue.purchase(line.name, region, line.term), NotOffered):
            yield region


def _equivalent(own: InstanceType, item: InstanceType) -> bool:
    if item.name == own.name or not item.listed:
        return False
    if own.gpu or item.gpu:
        mine, theirs = own.gpu, item.gpu
        return bool(mine and theirs and (mine.gpu, mine.count) == (theirs.gpu, theirs.count))
    same = (own.vcpus, own.arch, own.bare_metal, own.neuron is None)
    return (
        same == (item.vcpus, item.arch, item.bare_metal, item.neuron is None)
        and item.memory_mib >= own.memory_mib
    )


def _by_amount(item: Offer) -> tuple[Decimal, str, str]:
    return (item.amount if item.amount is not None else _LAST, item.region, item.name)
