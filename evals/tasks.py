"""Inspect AI tasks over the same datasets and scorers.

    inspect eval evals/tasks.py@dev --model none
    inspect eval evals/tasks.py@dev --model none -T category=facts -T model=openai:gpt-x

Inspect's own model is unused: the solver asks the assistant, whose model is the task parameter.
"""

from __future__ import annotations

import json

import anyio
import anyio.to_thread
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    Score,
    Scorer,
    Target,
    accuracy,
    grouped,
    scorer,
    stderr,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver

from evals import run
from evals.dataset import Case, Split, load
from evals.run import AssistantLike

RESULT = "result"
"""Key of the sample's metadata that carries the outcome from the solver to the scorer."""


@task(name="dev")
def open_split(category: str = "", model: str = "") -> Task:
    """The development split, or one category of it."""
    return _task("dev", category, model)


@task(name="test")
def held_out(category: str = "", model: str = "") -> Task:
    """The test split, or one category of it."""
    return _task("test", category, model)


@solver
def ask_assistant(model: str = "") -> Solver:
    """Ask the turns of the case, one sample at a time."""
    turn = anyio.Lock()
    built: list[AssistantLike] = []

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        case = Case.model_validate(state.metadata["case"])
        async with turn:
            if not built:
                built.append(await anyio.to_thread.run_sync(run.load_assistant, model or None))
            result = await anyio.to_thread.run_sync(run.run_case, built[0], case)
        text = str(result.answer.get("answer", ""))
        state.output = ModelOutput.from_content("ask", text)
        failed = {item.name: item.detail for item in result.failures}
        state.metadata[RESULT] = {"failures": failed, "answer": result.answer}
        return state

    return solve


@scorer(metrics=[accuracy(), stderr(), grouped(accuracy(), "category", all=False)])
def all_checks() -> Scorer:
    """Correct when no check of the case failed; the explanation names those that did."""

    async def judge(state: TaskState, target: Target) -> Score:
        del target
        failures: dict[str, str] = state.metadata[RESULT]["failures"]
        return Score(
            value=INCORRECT if failures else CORRECT,
            answer=state.output.completion,
            explanation="\n".join(f"{name}: {detail}" for name, detail in failures.items()),
        )

    return judge


def _task(split: Split, category: str, model: str) -> Task:
    cases = load(split, [category] if category else [])
    return Task(
        dataset=MemoryDataset([_sample(case) for case in cases], name=f"ask-{split}"),
        solver=ask_assistant(model),
        scorer=all_checks(),
        name=f"ask-{split}",
    )


def _sample(case: Case) -> Sample:
    return Sample(
        id=case.id,
        input="\n".join(case.messages),
        target=json.dumps(case.expect.model_dump(exclude_defaults=True), ensure_ascii=False),
        metadata={"category": case.category, "case": case.model_dump(mode="json")},
    )
