"""What the pages of both languages share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ui.web.session import Sessions

if TYPE_CHECKING:
    from assistant.app import Assistant


@dataclass(frozen=True, slots=True)
class Site:
    """One server."""

    assistant: Assistant
    sessions: Sessions
    pool: ThreadPoolExecutor
    concurrency: int
    max_upload_mb: int
    root_path: str = ""
