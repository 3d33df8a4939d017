"""PlannerChatModel: a LangChain chat model that understands instance questions without an LLM.

First call of a turn: the question becomes tool calls (or, for refusals and small talk, text at
once). Second call: the tools' results become text. It keeps no state; everything is read from
the messages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict

from assistant.answer import Language
from assistant.planner.brain import Planner


class PlannerChatModel(BaseChatModel):
    """The offline planner behind the chat-model interface."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    planner: Planner
    language: Language | None = None
    """Answer in this language whatever the question's."""
    today: date | None = None
    """Day against which the age of prices is judged; None: the day of the call."""

    @property
    def _llm_type(self) -> str:
        return "planner"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Return the model itself: it knows the tools by name."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        start = max(i for i, message in enumerate(messages) if isinstance(message, HumanMessage))
        history = [str(m.content) for m in messages[:start] if _is_question(m)]
        results = {
            m.tool_call_id: m.artifact for m in messages[start:] if isinstance(m, ToolMessage)
        }
        language = messages[start].additional_kwargs.get("language") or self.language
        message = self._respond(str(messages[start].content), history, results, language)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _respond(
        self, question: str, history: list[str], results: dict[str, Any], language: Language | None
    ) -> AIMessage:
        plan = self.planner.plan(question, history, turn=len(history), language=language)
        # Another model may have called tools in this turn before the planner took over.
        calls = [
            {"name": c.name, "args": c.args, "id": call_id}
            for call_id, c in plan.calls.items()
            if call_id not in results
        ]
        if calls:
            return AIMessage(content="", tool_calls=calls)
        found = self.planner.compose(plan, results, today=self.today)
        return AIMessage(
            content=found.text,
            additional_kwargs={
                "abstained": found.abstained,
                "reason": found.reason,
                "suggestions": found.suggestions,
                "warnings": found.warnings,
                "quoted": found.quoted,
                "language": plan.understanding.language,
                "citations": [citation.model_dump(mode="json") for citation in found.citations],
            },
        )


def _is_question(message: BaseMessage) -> bool:
    """Whether a message is the user's and no summary of earlier ones."""
    return isinstance(message, HumanMessage) and "lc_source" not in message.additional_kwargs
