"""The configured models, built when first asked, with the tools bound to each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assistant.errors import NotConfiguredError
from assistant.llm.failures import Unusable

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable
    from langchain_core.tools import BaseTool


@dataclass(slots=True)
class Candidate:
    """A model that may answer."""

    label: str
    build: Callable[[], BaseChatModel]
    options: Callable[[BaseChatModel], dict[str, Any]] = lambda _: {}
    """Extra arguments of every call (prompt caching)."""
    _model: BaseChatModel | None = None
    _bound: Runnable[Any, Any] | None = None
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def model(self) -> BaseChatModel:
        """The client. Raises NotConfiguredError."""
        if self._model is None:
            self._model = self.build()
            self.extra = self.options(self._model)
        return self._model

    def with_tools(self, tools: Sequence[BaseTool | dict[str, Any]]) -> Runnable[Any, Any]:
        """Return the client with the tools. Raises Unusable("no_tools") if it cannot call any."""
        if self._bound is None:
            try:
                self._bound = self.model.bind_tools(tools)
            except NotImplementedError as error:
                raise Unusable("no_tools") from error
        return self._bound


def is_configuration(error: BaseException) -> bool:
    """Whether an error is about the settings: told to the user instead of answered around."""
    return isinstance(error, NotConfiguredError)
