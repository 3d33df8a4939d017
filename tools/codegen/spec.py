"""What a bundle is made of, and what a workload has to say about itself.

How to add a workload, for example `xgboost`:

1. `tools/codegen/workloads/xgboost.py`: an options model (subclass `Options`; user text only as
   the types of `names.py`, so that nothing typed becomes code), a function
   `build(catalogue, options) -> Draft | BundleRefusal`, and
   `WORKLOAD = Workload("xgboost", …)`. Add the module to `registry.py`.
2. Templates in `tools/codegen/templates/xgboost/`: every `*.j2` there becomes a file of the bundle
   (its name without `.j2`); `build` may name fewer in `Draft.templates`. Values of the user go into
   `config.toml` through the filter `toml` and are read by the script, so that Python sources hold
   none of them; where a value has to stand in a script use `py`, `sh`, `json`, `toml` or `md`.
   Start from the shared parts: `README.md.j2` extends `shared/README.md.j2`, `launch.sh.j2`
   extends `shared/launch.sh.j2`, `requirements.txt.j2` includes `shared/requirements.txt.j2`;
   `shared/spot.py.j2` for `--spot`.
3. The generated script takes `--config config.toml` and `--smoke`. Smoke only replaces values of
   the configuration (`settings = smoke.shrink(settings)`): a tiny model made on the spot, synthetic
   data, few steps. Otherwise the code path is the same, on a CPU, in seconds.
4. `Workload.checks`: functions `(Folder, Catalogue) -> Iterator[Check]` that read the generated
   files back and recompute what could be wrong. Those for all bundles are in `checks.py`.
5. Tests: generate, write, run with `--smoke` for real; mutate a file and see it rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Gpu, InstanceType, Source
from tools.charts import Text
from tools.codegen.folder import Folder
from tools.profiles import Model, Quote
from tools.sizing.models import (
    Choice,
    InferencePlan,
    InferenceRefusal,
    MemoryBreakdown,
    Rejection,
    TrainingPlan,
    TrainingRefusal,
)

Level = Literal["executed", "checked"]
"""`executed`: the tests run the bundle with the real libraries. `checked`: they check its calls
against the named library's own argument list, since it cannot run here."""


class Options(Model):
    """Base of a workload's options. `region` is where prices are looked up."""

    region: str
    instance: str | None = None


class BundleRequest(Model):
    """Which workload, with which options (see `Workload.options` for the fields)."""

    workload: str
    region: str
    options: dict[str, Any] = Field(default_factory=dict[str, Any])


class Setting(Model):
    """A value of the bundle and why it was chosen."""

    key: str
    """As the configuration spells it: `micro_batch`."""
    value: str | int | float | bool
    why: Text
    unit: str = ""
    label: Text | None = None
    """What people call it; None: the key."""


class Sheet(Model):
    """What the README and the answer say about a bundle, whatever its workload."""

    title: Text
    """`GPT-2 XL をフルファインチューニング(DeepSpeed ZeRO-2)`."""
    instance: InstanceType
    gpu: Gpu | None
    instances: int = 1
    quote: Quote
    settings: tuple[Setting, ...]
    """The choices that matter, most important first."""
    memory: MemoryBreakdown | None = None
    """Of one GPU."""
    expected: tuple[Setting, ...] = ()
    """Throughput, hours, cost: as computed, before rounding."""
    warnings: tuple[Text, ...] = ()
    choices: tuple[Choice, ...] = ()
    """Further decisions with their reasons."""
    rejected: tuple[Rejection, ...] = ()


class Check(Model):
    """One thing that was verified."""

    key: str
    status: Literal["passed", "failed", "skipped"]
    detail: Text
    """What was compared, with the numbers; for `skipped`, what would be needed."""


class BundleFile(Model):
    """A file of a bundle."""

    path: str
    text: str
    sha256: str
    executable: bool = False


class Bundle(Model):
    """A verified bundle."""

    kind: Literal["bundle"] = "bundle"
    workload: str
    name: str
    """Folder name: `llm-train-gpt2-xl-p4d.24xlarge`."""
    request: BundleRequest
    sheet: Sheet
    plan: TrainingPlan | InferencePlan | None = None
    files: tuple[BundleFile, ...]
    """bundle.json, the manifest, comes last."""
    shown: str
    """Path of the file that an answer shows in full."""
    checks: tuple[Check, ...]
    verified: Text
    """How bundles of this workload were verified before release."""
    sources: tuple[Source, ...] = ()

    def file(self, path: str) -> BundleFile:
        """Return the file at `path`."""
        return next(item for item in self.files if item.path == path)


class BundleRefusal(Model):
    """Why no bundle is handed out, and what would work."""

    kind: Literal["bundle_refusal"] = "bundle_refusal"
    request: BundleRequest
    reason: Text
    refusal: TrainingRefusal | InferenceRefusal | None = None
    """The sizing refusal behind it, with its alternatives."""
    suggestion: Text | None = None
    """What to ask for instead."""
    checks: tuple[Check, ...] = ()
    """The checks that failed, if verification did."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a builder decides; rendering, verification and packing are the same for all."""

    name: str
    sheet: Sheet
    values: Mapping[str, object]
    """Names for the templates, beside `sheet`, `request`, `versions` and the shared helpers."""
    shown: str
    templates: tuple[str, ...] = ()
    """Templates to render, relative to the templates folder; empty: all of the workload's folder.
    `shared/x.j2` becomes the file `x`."""
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Files that need no template (JSON configurations)."""
    plan: TrainingPlan | InferencePlan | None = None


Builder = Callable[[Catalogue, Any], Draft | BundleRefusal]
CheckFunction = Callable[[Folder, Catalogue], Iterator[Check]]


@dataclass(frozen=True, slots=True)
class Workload:
    """An entry of the registry."""

    key: str
    description: Text
    options: type[Options]
    build: Builder
    level: Level
    verified: Text
    """How: which libraries and versions the tests run it with."""
    checks: tuple[CheckFunction, ...] = ()
    training: bool = False
    """Whether `--spot` applies."""


def passed(key: str, ja: str, en: str) -> Check:
    """Return a check that passed."""
    return Check(key=key, status="passed", detail=Text(ja=ja, en=en))


def failed(key: str, ja: str, en: str) -> Check:
    """Return a check that failed."""
    return Check(key=key, status="failed", detail=Text(ja=ja, en=en))


def judged(key: str, ok: bool, ja: str, en: str) -> Check:
    """Return a check with the status that `ok` gives it."""
    return passed(key, ja, en) if ok else failed(key, ja, en)


def skipped(key: str, ja: str, en: str) -> Check:
    """Return a check that could not run here."""
    return Check(key=key, status="skipped", detail=Text(ja=ja, en=en))
