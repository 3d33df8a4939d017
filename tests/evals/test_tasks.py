"""The Inspect tasks run without a model of Inspect's own."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("inspect_ai")

import inspect_ai

from evals import run, tasks
from tests.evals.fakes import FakeAssistant


def test_a_task_runs_without_a_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every sample is asked, scored and logged, and the accuracy is grouped by category."""
    assistant = FakeAssistant("分かりません。")

    def load(model: str | None = None) -> FakeAssistant:
        return assistant

    monkeypatch.setattr(run, "load_assistant", load)
    task = tasks.open_split(category="abstention")
    logs = inspect_ai.eval(  # pyright: ignore[reportUnknownMemberType]
        task, model="none", log_dir=str(tmp_path), display="none"
    )
    assert logs[0].status == "success"
    assert len(assistant.asked) == 100
    assert logs[0].results is not None
    metrics = logs[0].results.scores[0].metrics
    assert {"accuracy", "stderr", "abstention"} <= set(metrics)
