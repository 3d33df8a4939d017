"""Question -> grounded answer: build_assistant, Assistant, Answer, Settings, AssistantError."""

from assistant.answer import Answer
from assistant.app import Assistant, build_assistant
from assistant.errors import AssistantError
from assistant.settings import Settings

__all__ = ["Answer", "Assistant", "AssistantError", "Settings", "build_assistant"]
