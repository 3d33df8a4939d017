"""What the browser saves: a conversation as Markdown or JSON, and the files of an answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath
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


def made_file(answer: Answer, name: str) -> dict[str, str] | None:
    """Return a file that the answer made; None if it made none of that name, or it is gone.

    Raises AssistantError where S3 cannot be read.
    """
    from assistant.artifact_store import read_artifact

    for item in answer.artifacts:
        if PurePath(item.path).name == name and (data := read_artifact(item.path)) is not None:
            text = base64.b64encode(data).decode()
            return {"name": name, "type": item.media_type, "base64": text}
    return None
