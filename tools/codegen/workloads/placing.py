"""Where a bundle runs: an instance type from what people write, with its GPU and its price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from knowledge.ec2.catalogue import Catalogue, size_order
from knowledge.ec2.schema import Gpu, InstanceType, Price
from tools.charts import Text
from tools.codegen.spec import BundleRefusal, BundleRequest, Options, Setting
from tools.names import Names, Subject
from tools.profiles import Profiler, Quote

Fits = Callable[[InstanceType], bool]


@dataclass(frozen=True, slots=True)
class Place:
    """An instance type, its GPU and its on-demand price in the region."""

    instance: InstanceType
    gpu: Gpu | None
    quote: Quote

    @property
    def devices(self) -> int:
        """GPUs of the instance; 0 without any."""
        return self.instance.gpu.devices if self.instance.gpu else 0


def choose_place(catalogue: Catalogue, options: Options, *, default: str, fits: Fits) -> Place:
    """Return the instance type that `options` name, or `default`.

    A family, a GPU or a series means its smallest type for which `fits` holds and that is priced in
    the region. Raises UnknownNameError and UnknownRegionError.
    """
    names = Names(catalogue)
    region = names.region(options.region)
    subjects = names.resolve(options.instance or default)
    exact = next((item.key for item in subjects if item.kind == "instance"), None)
    name = exact or _smallest(catalogue, subjects, region, fits) or default
    instance = catalogue.types[name]
    quote = Profiler(catalogue, region).quote(name, region, "on-demand")
    return Place(instance, catalogue.gpu_of(instance), quote)


def _smallest(
    catalogue: Catalogue, subjects: tuple[Subject, ...], region: str, fits: Fits
) -> str | None:
    members = [item for subject in subjects for item in _members(catalogue, subject)]
    named = [item for item in members if item.listed and not item.bare_metal] or members
    # Where nothing fits, the workload itself says what is missing.
    found = [item for item in named if fits(item)] or named
    priced = [item for item in found if isinstance(catalogue.purchase(item.name, region), Price)]
    pool = priced or found
    return min(pool, key=lambda item: (-item.generation, *size_order(item))).name if pool else None


def _members(catalogue: Catalogue, subject: Subject) -> Iterator[InstanceType]:
    for item in catalogue.types.values():
        owner = {
            "family": item.family,
            "series": item.series,
            "gpu": item.gpu.gpu if item.gpu else None,
        }.get(subject.kind)
        if owner == subject.key:
            yield item


def at_least(vcpus: int) -> Fits:
    """Return a condition: no fewer vCPUs than this."""
    return lambda item: item.vcpus >= vcpus


def has_gpu(item: InstanceType) -> bool:
    """Return whether the type has GPUs."""
    return item.gpu is not None


def setting(key: str, value: str | float | bool, ja: str, en: str, unit: str = "") -> Setting:
    """Return a value with its reason."""
    return Setting(key=key, value=value, why=Text(ja=ja, en=en), unit=unit)


def refusal(workload: str, options: Options, reason: Text, suggestion: Text) -> BundleRefusal:
    """Return why there is no bundle, and what to ask for instead."""
    given = options.model_dump(mode="json", exclude_unset=True, exclude={"region"})
    request = BundleRequest(workload=workload, region=options.region, options=given)
    return BundleRefusal(request=request, reason=reason, suggestion=suggestion)


def power_of_two(value: float) -> int:
    """Return the largest power of two up to `value`, at least 1."""
    return 1 << max(0, int(value).bit_length() - 1)


def capability(gpu: Gpu | None) -> tuple[int, int]:
    """Return an NVIDIA GPU's compute capability; (0, 0) for any other."""
    if gpu is None or gpu.compute_capability is None:
        return (0, 0)
    major, minor = gpu.compute_capability.split(".")
    return int(major), int(minor)


def gpu_not_used(place: Place) -> tuple[Text, ...]:
    """Return a warning if the instance has an accelerator that the bundle leaves idle."""
    if neuron := place.instance.neuron:
        return (
            Text(
                ja=f"{place.instance.name} の {neuron.model} は使いません。"
                "CPU だけなら C シリーズが安く済みます。",
                en=f"The {neuron.model} of {place.instance.name} stays idle; a C type costs less.",
            ),
        )
    if place.gpu is None:
        return ()
    return (
        Text(
            ja=f"{place.instance.name} の GPU は使いません。CPU だけなら C "
            "シリーズが安く済みます。",
            en=f"The GPU of {place.instance.name} stays idle; a C type costs less.",
        ),
    )


def templates(workload: str, *names: str, shared: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the templates of a workload by the names of their files."""
    own = [f"{workload}/{name}.j2" for name in (*_ALWAYS, *names)]
    return (*own, *(f"shared/{name}.j2" for name in ("settings.py", *shared)))


_ALWAYS = ("README.md", "config.toml", "launch.sh", "requirements.txt", "smoke.py")
