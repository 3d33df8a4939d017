from pathlib import Path

import pytest

from tools.codegen.registry import WORKLOADS

DOCS = (Path(__file__).parents[3] / "docs/bundles.md").read_text("utf-8")
OTHERS = [key for key in WORKLOADS if key != "llm-train"]


def test_every_workload_is_listed_with_how_it_was_verified() -> None:
    words = {"executed": "実行:", "checked": "照合:"}
    for key, workload in WORKLOADS.items():
        row = next(line for line in DOCS.splitlines() if line.startswith(f"| `{key}` |"))
        assert words[workload.level] in row


@pytest.mark.parametrize("key", OTHERS)
def test_every_option_is_explained(key: str) -> None:
    section = next(part for part in DOCS.split("\n### ")[1:] if key in part.splitlines()[0])
    for name in WORKLOADS[key].options.model_fields:
        assert name in ("region", "instance") or f"`{name}`" in section, name
