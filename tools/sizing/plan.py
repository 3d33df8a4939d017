"""Plan a training run: the machine, the configuration and why, or a refusal with a way out.

A plan never fills more than the budgeted share of a GPU (memory.py), and uses only what a bundle
can express. Not covered: reserved capacity, quotas, and whether AWS has machines free today.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Term
from tools.charts import Text
from tools.errors import NoGpuError
from tools.sizing.architectures import resolve_model
from tools.sizing.limits import (
    attention_limit,
    machine_limit,
    not_offered,
    over_budget,
    too_late,
)
from tools.sizing.model_memory import ModelMemory, ModelMemoryRequest, model_memory
from tools.sizing.models import ModelSpec, TrainingPlan, TrainingRefusal, TrainingRequest
from tools.sizing.placements import (
    Machine,
    groups,
    machines,
    named_machines,
    offered_machines,
)
from tools.sizing.plan_build import build_plan, build_refusal
from tools.sizing.training_search import (
    Miss,
    best_trial,
    counts_for,
    every_placement,
    fewest,
    length_of,
    ordered,
)
from tools.sizing.trial import Trial

Planned = TrainingPlan | TrainingRefusal


def plan_training(catalogue: Catalogue, request: TrainingRequest) -> Planned | ModelMemory:
    """Return a plan that fits, or why there is none. Raises ToolInputError for unknown names."""
    if request.states_only:
        return _states(catalogue, request)
    spec = resolve_model(request.model)
    request = _with_budget(_with_tokens(request, spec))
    term: Term = "spot" if request.spot else "on-demand"
    offered = machines(catalogue, request.region, term)
    if (limit := attention_limit(spec, request)) is not None:
        return build_refusal(catalogue, spec, request, (), reason=limit.reason, limit=limit)
    if request.instance is None:
        return _recommend(catalogue, spec, request, offered)
    try:
        named = named_machines(catalogue, request.instance, request.region, term)
    except NoGpuError as error:
        reason = Text(ja=error.message_ja, en=error.message_en)
        return build_refusal(catalogue, spec, request, offered, reason=reason)
    here = offered_machines(named)
    if not here:
        reason = not_offered(catalogue, request.instance, named, request.region)
        return build_refusal(catalogue, spec, request, offered, reason=reason)
    limit = machine_limit(request, here)
    if limit is not None:
        return build_refusal(catalogue, spec, request, offered, reason=limit.reason, limit=limit)
    return _on_named(catalogue, spec, request, here, offered)


def _states(catalogue: Catalogue, request: TrainingRequest) -> ModelMemory:
    """Return the model states per GPU, without a plan."""
    gpus = request.gpus or 1
    if request.instance and request.gpus is None:
        named = named_machines(catalogue, request.instance, request.region, "on-demand")
        gpus = max(machine.devices for machine in named.machines) * (request.instances or 1)
    return model_memory(
        catalogue,
        ModelMemoryRequest(
            model=request.model,
            gpus=gpus,
            zero_stage=request.zero_stage,
            context=request.sequence_length,
        ),
    )


def _with_tokens(request: TrainingRequest, spec: ModelSpec) -> TrainingRequest:
    """Return the request with its tokens computed from samples and epochs."""
    if request.tokens is not None:
        tokens = request.tokens * (request.epochs or 1)
    elif request.samples is not None:
        tokens = request.samples * length_of(request, spec) * (request.epochs or 1)
    else:
        return request
    return request.model_copy(update={"tokens": max(round(tokens), 1)})


def _with_budget(request: TrainingRequest) -> TrainingRequest:
    """Return the request with a budget in yen turned into dollars, if there is a rate."""
    if request.budget_usd or not (request.budget_jpy and request.jpy_per_usd):
        return request
    return request.model_copy(update={"budget_usd": request.budget_jpy / request.jpy_per_usd})


def _on_named(
    catalogue: Catalogue,
    spec: ModelSpec,
    request: TrainingRequest,
    here: Sequence[Machine],
    offered: Sequence[Machine],
) -> Planned:
    fits: list[Trial] = []
    miss: Miss | None = None
    for members in groups(tuple(here)):
        found = fewest(spec, request, members)
        miss = found.miss.less(miss)
        if found.best is not None:
            fits.append(_in_time(spec, request, members, found.best))
    if not fits:
        return build_refusal(catalogue, spec, request, offered, miss=miss)
    chosen = ordered(request, fits)[0]
    if late := _misses_target(request, chosen):
        return build_refusal(catalogue, spec, request, offered, reason=late, miss=Miss(chosen))
    others = ordered(request, _elsewhere(spec, request, offered, chosen))
    return build_plan(catalogue, request, chosen, others)


def _recommend(
    catalogue: Catalogue, spec: ModelSpec, request: TrainingRequest, offered: Sequence[Machine]
) -> Planned:
    found = every_placement(spec, request, offered)
    if not found:
        miss = _closest(spec, request, offered)
        return build_refusal(catalogue, spec, request, offered, miss=miss)
    if request.deadline_hours and request.tokens:
        by_shape = {members[0].shape: members for members in groups(tuple(offered))}
        found = [_in_time(spec, request, by_shape[trial.machine.shape], trial) for trial in found]
    ranked = ordered(request, found)
    in_target = [trial for trial in ranked if _misses_target(request, trial) is None]
    if not in_target:
        reason = _misses_target(request, ranked[0])
        return build_refusal(catalogue, spec, request, offered, reason=reason, miss=Miss(ranked[0]))
    return build_plan(catalogue, request, in_target[0], in_target[1:])


def _closest(spec: ModelSpec, request: TrainingRequest, offered: Sequence[Machine]) -> Miss | None:
    miss: Miss | None = None
    for members in groups(tuple(offered)):
        miss = fewest(spec, request, members).miss.less(miss)
    return miss


def _elsewhere(
    spec: ModelSpec, request: TrainingRequest, offered: Sequence[Machine], chosen: Trial
) -> list[Trial]:
    """Return the other placements: any machine, any number of it."""
    free = request.model_copy(update={"instance": None, "instances": None, "gpus": None})
    found = every_placement(spec, free, offered)
    return [trial for trial in found if trial.machine.shape != chosen.machine.shape]


def _in_time(
    spec: ModelSpec, request: TrainingRequest, members: Sequence[Machine], trial: Trial
) -> Trial:
    """Return the trial on as many instances as the deadline needs, if so many can be had."""
    if not (request.deadline_hours and request.tokens) or request.instances or request.gpus:
        return trial
    for count in counts_for(request, members[0]):
        if count <= trial.count:
            continue
        if trial.hours(request.tokens) <= request.deadline_hours:
            break
        trial = best_trial(spec, request, members, count).best or trial
    return trial


def _misses_target(request: TrainingRequest, trial: Trial) -> Text | None:
    """Return why a trial misses the deadline or the budget; None if it does not."""
    if request.tokens is None:
        return None
    hours = trial.hours(request.tokens)
    if request.deadline_hours and hours > request.deadline_hours:
        return too_late(trial.machine.name, trial.count, hours, request.deadline_hours)
    hourly = trial.usd_per_hour
    if request.budget_usd and hourly is not None:
        usd = Decimal(str(hourly * hours))
        if usd > request.budget_usd:
            return over_budget(trial.machine.name, trial.count, usd, request.budget_usd)
    return None
