"""A conversation as a file: Markdown to read, JSON to process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from ui.web.texts import Texts

if TYPE_CHECKING:
    from assistant.answer import Answer


def export(answers: Sequence[Answer], style: Literal["md", "json"], say: Texts) -> dict[str, str]:
    """Return name, media type and text of the file."""
    stamp = f"{datetime.now().astimezone():%Y%m%d-%H%M}"
    if style == "json":
        rows = [answer.model_dump(mode="json") for answer in answers]
        text = json.dumps({"schema_version": 1, "answers": rows}, ensure_ascii=False, indent=2)
        return {"name": f"ask-{stamp}.json", "type": "application/json", "text": text}
    parts = [f"# {say('conversation')} {stamp}\n"]
    for answer in answers:
        question = "\n".join(f"> {line}" for line in answer.question.splitlines())
        parts.append(f"{question}\n\n{answer.answer.rstrip()}\n\n`{answer.answer_id}`\n")
    return {"name": f"ask-{stamp}.md", "type": "text/markdown", "text": "\n---\n\n".join(parts)}
