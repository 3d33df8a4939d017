"""The tools of the assistant, by name: one door for the agent and for all front ends.

No framework is imported here, so `Assistant.run_tool` starts fast; assistant/toolbox.py wraps the
same entries for LangChain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from assistant.refusals import refusal
from knowledge.ec2.catalogue import Catalogue
from tools import cost, glossary, instances
from tools.codegen.spec import Bundle, BundleRefusal, BundleRequest
from tools.errors import ToolInputError, UnknownNameError
from tools.profiles import profiler
from tools.results import InputFailure, NameFailure, Result
from tools.sizing import doctor, model_memory, plan, serve
from tools.sizing.models import InferenceRequest, TrainingRequest

MAX_ALTERNATIVES = 6
SearcherFactory = Callable[[], glossary.Searcher | None]
"""Returns what searches now; None: the packaged glossary alone."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its request model, its function and what a model needs to know to choose it."""

    name: str
    request: type[BaseModel]
    run: Callable[[Catalogue, Any], Result]
    description: str

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments; the region may be left out."""
        schema = self.request.model_json_schema()
        schema["required"] = [name for name in schema.get("required", []) if name != "region"]
        return schema


def _generate(catalogue: Catalogue, request: BundleRequest) -> Bundle | BundleRefusal:
    """Return a bundle; the workloads are imported with the first one."""
    from tools.codegen.generation import generate

    return generate(catalogue, request)


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "describe_instances",
            instances.DescribeRequest,
            instances.describe,
            "Return specifications, GPU facts, regions and prices of 1-6 EC2 instance types, "
            "families, GPUs or series. Use it for one thing, or for yes/no questions. Not for "
            "differences (compare_instances) and not for choosing by criteria (find_instances).",
        ),
        Tool(
            "compare_instances",
            instances.CompareRequest,
            instances.compare,
            "Set 2-6 instance types, families or GPUs side by side, with ratios. Not for one name.",
        ),
        Tool(
            "search_glossary",
            glossary.GlossaryRequest,
            glossary.search_glossary,
            "Search the Japanese glossary of EC2 C/P/G series and machine-learning terms (EFA, "
            "ZeRO, LoRA, Savings Plans, …) for cited passages. Not for figures of an instance "
            "type (describe_instances).",
        ),
        Tool(
            "estimate_cost",
            cost.CostRequest,
            cost.estimate,
            "Compute what instances cost over hours, schedules, counts and terms, hours within a "
            "budget, and the difference between choices. Not for a plain hourly price "
            "(describe_instances).",
        ),
        Tool(
            "generate_bundle",
            BundleRequest,
            _generate,
            "Generate verified, runnable code (script, configuration, launcher, README) for a "
            "workload: llm-train (Transformers Trainer or DeepSpeed; options model, instance, "
            "instances, method, engine, micro_batch, global_batch, zero_stage, spot, …), or one of "
            "the other workloads. Not for whether something fits, without code (size_training).",
        ),
        Tool(
            "find_instances",
            instances.FindRequest,
            instances.find,
            "Find instance types by filters (series, family, GPU, CPU, numeric conditions on "
            "attributes, price, region) with sort order. Not for a type that is already named.",
        ),
        Tool(
            "size_training",
            TrainingRequest,
            plan.plan_training,
            "Plan the training of a model (full, LoRA, QLoRA): whether it fits a named instance, "
            "else the cheapest that does, with memory, speed, time and cost. Not for serving "
            "(size_inference), nor for the price of machines alone (estimate_cost).",
        ),
        Tool(
            "size_inference",
            InferenceRequest,
            serve.plan_inference,
            "Plan serving a model with vLLM (or on the CPU of a C instance): whether it fits a "
            "named instance, else the cheapest that does, with memory, concurrent requests, "
            "tokens/s and cost. Not for training (size_training).",
        ),
        Tool(
            "model_memory",
            model_memory.ModelMemoryRequest,
            model_memory.model_memory,
            "Return what a model takes by itself: parameters, weights by format, KV cache of a "
            "context, Adam and ZeRO model states per GPU. Not for whether it fits a machine "
            "(size_training, size_inference).",
        ),
        Tool(
            "diagnose",
            doctor.DiagnoseRequest,
            doctor.diagnose,
            "Read a pasted out-of-memory traceback, nvidia-smi output, DeepSpeed JSON or Hugging "
            "Face config.json and say what is wrong and what to change first. Not for questions "
            "without such a paste.",
        ),
    )
}


class ToolRunner:
    """Run tools against one catalogue and one default region."""

    def __init__(
        self, catalogue: Catalogue, region: str, searcher: SearcherFactory | None = None
    ) -> None:
        """Requests without a region get `region`; `searcher` is asked anew for every search."""
        self._catalogue = catalogue
        self._region = region
        self._searcher = searcher

    def run(self, name: str, request: Mapping[str, Any]) -> Result:
        """Return the tool's result. Raises ToolInputError for anything wrong with the request."""
        tool = TOOLS.get(name)
        if tool is None:
            known = ", ".join(TOOLS)
            raise ToolInputError(
                f"「{name}」というツールはありません。使えるもの: {known}",
                f"There is no tool {name!r}. Known: {known}",
            )
        values = {key: value for key, value in request.items() if value is not None}
        try:
            default = {"region": self._region} if "region" in tool.request.model_fields else {}
            parsed = tool.request.model_validate(default | values)
        except ValidationError as error:
            raise refusal(error) from error
        if self._searcher and isinstance(parsed, glossary.GlossaryRequest):
            return glossary.search_glossary(self._catalogue, parsed, self._searcher())
        return tool.run(self._catalogue, parsed)

    def attempt(self, name: str, request: Mapping[str, Any]) -> Result:
        """Return the tool's result, or a failure result that says what was wrong."""
        try:
            return self.run(name, request)
        except UnknownNameError as error:
            return self._name_failure(error, str(request.get("region") or self._region))
        except ToolInputError as error:
            return InputFailure(message_ja=error.message_ja, message_en=error.message_en)

    def _name_failure(self, error: UnknownNameError, region: str) -> NameFailure:
        profiles = profiler(self._catalogue, region)
        known = [name for name in error.suggestions if name in self._catalogue.types]
        return NameFailure(
            name=error.name,
            problem=error.problem,
            suggestions=error.suggestions,
            message_ja=error.message_ja,
            message_en=error.message_en,
            alternatives=tuple(
                profiles.instance(name, brief=True) for name in known[:MAX_ALTERNATIVES]
            ),
        )
