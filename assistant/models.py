"""Which chat models answer: the planner, or the models that ASK_MODEL lists, in that order.

A model is written `provider:name`, or `provider:name@https://server/v1` for a server of one's own.
Provider clients are imported when a model is built, so the planner never loads them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from assistant.answer import Language
from assistant.errors import NotConfiguredError
from assistant.settings import Settings, has_variable, mask_secrets
from knowledge.ec2.catalogue import Catalogue

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from assistant.planner.chat_model import PlannerChatModel

PLANNER = "planner"
BEDROCK = "bedrock_converse"
CONNECT_SECONDS = 3.0
"""A server that nobody can reach is known to be so after this."""
_WITH_SERVER = re.compile(r"(?P<name>.+?)@(?P<url>https?://\S+)")
_NO_KEY = "not-needed"  # servers of one's own (vLLM, llama.cpp) ask for none; the client insists


@dataclass(frozen=True, slots=True)
class ModelName:
    """A configured model: `openai:qwen3@http://localhost:8000/v1`, split."""

    provider: str
    """Empty: guessed from the name by LangChain."""
    model: str
    base_url: str = ""

    @property
    def label(self) -> str:
        """The name without its server, as answers carry it."""
        return f"{self.provider}:{self.model}" if self.provider else self.model


def parse_models(settings: Settings) -> list[ModelName]:
    """Return the configured models in order; empty if the planner answers alone."""
    found: list[ModelName] = []
    for text in filter(None, (part.strip() for part in settings.model.split(","))):
        match = _WITH_SERVER.fullmatch(text)
        name, url = (match["name"], match["url"]) if match else (text, "")
        provider, colon, model = name.partition(":")
        if name != PLANNER:
            # The setting names one server: that of the first model. Others write theirs after @.
            url = url or ("" if found else settings.model_base_url)
            found.append(ModelName(*((provider, model) if colon else ("", name)), url))
    return found


def build_planner(settings: Settings, catalogue: Catalogue) -> PlannerChatModel:
    """Return the offline planner as a chat model."""
    from assistant.planner.brain import Planner
    from assistant.planner.chat_model import PlannerChatModel

    language = cast("Language | None", settings.lang or None)
    return PlannerChatModel(planner=Planner(catalogue, settings.region), language=language)


def build_model(name: ModelName, settings: Settings) -> BaseChatModel:
    """Return the client of a model. Raises NotConfiguredError, naming what is missing."""
    if not name.model:
        raise NotConfiguredError(
            f"モデル {name.label!r} を読めません。例: bedrock_converse:MODEL_ID",
            f"Cannot read the model {name.label!r}; write it as bedrock_converse:MODEL_ID.",
        )
    try:
        if name.provider == BEDROCK:
            from assistant.bedrock import build_bedrock

            return build_bedrock(name.model, name.base_url, settings)
        from langchain.chat_models import init_chat_model

        options = _options(name, settings)
        build: Any = init_chat_model
        return build(name.model, model_provider=name.provider or None, **options)
    except ImportError as error:
        raise NotConfiguredError(
            f"モデル {name.label} には追加のパッケージが必要です: "
            f'pip install "ask-ec2-ml[llm]"({_cause(error)})',
            f'{name.label} needs an extra: pip install "ask-ec2-ml[llm]" ({_cause(error)})',
        ) from error
    except Exception as error:
        # Clients refuse wrong settings with errors of many classes; all of them mean the same.
        raise NotConfiguredError(
            f"モデル {name.label} を使う準備ができません: {_cause(error)}",
            f"Cannot set up the model {name.label}: {_cause(error)}",
        ) from error


def _options(name: ModelName, settings: Settings) -> dict[str, Any]:
    """Return the client options that the provider knows."""
    seconds = settings.model_timeout
    match name.provider:
        case "ollama":
            options: dict[str, Any] = {"client_kwargs": {"timeout": seconds}}
        case "openai" | "azure_openai" | "anthropic":
            # Retries are ours: they must stop when the user cancels, and mind the time limit.
            options = {
                "timeout": seconds,
                "max_retries": 0,
                "max_tokens": settings.model_max_tokens,
            }
        case _:
            options = {}
    if name.base_url:
        options["base_url"] = name.base_url
        if name.provider == "openai" and not has_variable("OPENAI_API_KEY"):
            options["api_key"] = _NO_KEY
    if name.provider == "openai":
        options["stream_usage"] = True
    return options


def _cause(error: BaseException) -> str:
    """Return the first line of an error, with secrets masked."""
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return mask_secrets(first)[:200]
