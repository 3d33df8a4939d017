"""Say whether a stated comparison (`AはBより高い`) holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from assistant.planner.compose.context import Draft
from assistant.planner.compose.phrases import display
from tools.attributes import Value


def judge(
    draft: Draft, claim: tuple[str, str, bool], key: str, values: Mapping[str, Value | None]
) -> None:
    """Write the verdict on (subject, other, has more) under one attribute, if both are known."""
    subject, other, more = claim
    left, right = values.get(subject), values.get(other)
    if not isinstance(left, int | float | Decimal) or not isinstance(right, int | float | Decimal):
        return
    label = draft.say.label(key).split("(")[0].strip()
    names = {"a": display(subject), "b": display(other), "label": label}
    if left == right:
        draft.phrase("j_equal", **names)
        return
    higher = left > right
    verdict = "yes" if higher == more else "no"
    draft.phrase(f"j_{verdict}_{'more' if higher else 'less'}", **names)
