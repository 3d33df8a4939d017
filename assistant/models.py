"""Which chat model answers: the planner, which needs no network and no credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from assistant.answer import Language
from assistant.errors import NotConfiguredError
from assistant.settings import Settings
from knowledge.ec2.catalogue import Catalogue

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

PLANNER = "planner"


def choose_chat_model(settings: Settings, catalogue: Catalogue) -> BaseChatModel:
    """Return the chat model that the settings name. Raises NotConfiguredError."""
    if settings.model != PLANNER:
        raise NotConfiguredError(
            f"モデル {settings.model!r} にはまだ対応していません。使えるのは {PLANNER} です。",
            f"Model {settings.model!r} is not supported yet; use {PLANNER}.",
        )
    from assistant.planner.brain import Planner
    from assistant.planner.chat_model import PlannerChatModel

    language = cast("Language | None", settings.lang or None)
    return PlannerChatModel(planner=Planner(catalogue), language=language)
