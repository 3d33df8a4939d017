"""Compose the results of sizing: one function per kind of result."""

from __future__ import annotations

from assistant.planner.compose.context import Draft
from assistant.planner.compose.diagnosis import diagnosis
from assistant.planner.compose.sizing_inference import (
    inference_plan,
    inference_refusal,
    model_memory,
)
from assistant.planner.compose.sizing_training import training_plan, training_refusal
from assistant.planner.request import Request
from tools.sizing.figures import SizingResult
from tools.sizing.model_memory import ModelMemory
from tools.sizing.models import (
    Diagnosis,
    InferencePlan,
    InferenceRefusal,
    TrainingPlan,
    TrainingRefusal,
)


def sizing(draft: Draft, request: Request, result: SizingResult) -> None:
    """Write a plan, a refusal, the memory of a model or a diagnosis."""
    match result:
        case TrainingPlan():
            training_plan(draft, request, result)
        case TrainingRefusal():
            training_refusal(draft, request, result)
        case InferencePlan():
            inference_plan(draft, request, result)
        case InferenceRefusal():
            inference_refusal(draft, request, result)
        case ModelMemory():
            model_memory(draft, request, result)
        case Diagnosis():
            diagnosis(draft, request, result)
