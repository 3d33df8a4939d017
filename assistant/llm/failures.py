"""What went wrong with a model call, whichever client raised it, and whether trying again helps.

Clients are not imported here: an error is known by LangChain's classes, an HTTP status, a code of
AWS, or the name of its class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core import exceptions as core

Kind = Literal[
    "throttled", "timeout", "unreachable", "authentication", "upstream", "context", "invalid",
    "refused", "empty", "malformed", "loop", "no_tools", "circuit", "internal", "unsupported",
]  # fmt: skip
RETRIES: dict[Kind, int] = {"throttled": 2, "upstream": 1, "unreachable": 1, "empty": 1,
                            "malformed": 1}  # fmt: skip
"""How often the same model is asked again. A timeout has cost enough time already."""
DELAYS = {"throttled": 0.5, "upstream": 0.3, "unreachable": 0.2}
"""Seconds before the first new attempt; doubled for the second."""
OPENS_CIRCUIT: frozenset[Kind] = frozenset(
    ("throttled", "timeout", "unreachable", "authentication", "upstream", "no_tools", "internal")
)
"""Kinds that the next question would meet again."""
_AWS: dict[str, Kind] = {
    "ThrottlingException": "throttled",
    "throttlingException": "throttled",
    "TooManyRequestsException": "throttled",
    "ServiceQuotaExceededException": "throttled",
    "ModelNotReadyException": "throttled",
    "AccessDeniedException": "authentication",
    "UnrecognizedClientException": "authentication",
    "ExpiredTokenException": "authentication",
    "InvalidSignatureException": "authentication",
    "ModelTimeoutException": "timeout",
    "ValidationException": "invalid",
    "validationException": "invalid",
    "ResourceNotFoundException": "invalid",
}
_CLASSES: tuple[tuple[type[Exception], Kind], ...] = (
    (core.ContextOverflowError, "context"),
    (core.ModelAuthenticationError, "authentication"),
    (core.ModelPermissionDeniedError, "authentication"),
    (core.ModelRateLimitError, "throttled"),
    (core.ModelTimeoutError, "timeout"),
    (core.ModelConnectionError, "unreachable"),
    (core.ModelAPIError, "upstream"),
    (core.ModelNotFoundError, "invalid"),
    (core.ModelInvalidRequestError, "invalid"),
)
_NAMES: tuple[tuple[str, Kind], ...] = (
    ("Timeout", "timeout"),
    ("NoCredentials", "authentication"),
    ("PartialCredentials", "authentication"),
    ("TokenRetrieval", "authentication"),
    ("SSOToken", "authentication"),
    ("Connection", "unreachable"),
    ("Connect", "unreachable"),
    ("ProtocolError", "unreachable"),
    ("IncompleteRead", "unreachable"),
    ("EventStreamError", "upstream"),
    ("ChecksumMismatch", "upstream"),
    ("InvalidHeaderBlock", "upstream"),
    ("APIError", "upstream"),
)
_TOO_LONG = ("too long", "context length", "maximum context", "context window", "too many tokens")
_NO_TOOLS = ("tool use", "tool calling", "tools are not supported", "does not support tools",
             "doesn't support tool")  # fmt: skip


class Unusable(Exception):
    """A reply arrived, but nothing can be made of it."""

    def __init__(self, kind: Kind) -> None:
        """Keep what was wrong with it."""
        super().__init__(kind)
        self.kind: Kind = kind


class Cancelled(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt."""

    kind: Kind
    detail: str = ""
    """The client's message, masked and cut, for logs and `ask models`."""
    retry_after: float = 0.0

    @property
    def retries(self) -> int:
        """How often to ask the same model again."""
        return RETRIES.get(self.kind, 0)

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait before the attempt after `attempt` (counted from 0)."""
        return max(self.retry_after, DELAYS.get(self.kind, 0.0) * 2**attempt)


def classify(error: BaseException) -> Failure:
    """Return what kind of failure an exception is."""
    from assistant.settings import mask_secrets

    detail = mask_secrets(" ".join(str(error).split()))[:300]
    chain = list(_causes(error))
    for found in chain:
        if kind := _kind(found):
            return Failure(_refined(kind, detail), detail, _retry_after(found))
    return Failure("internal", f"{type(error).__name__}: {detail}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 6:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def _kind(error: BaseException) -> Kind | None:
    if isinstance(error, Unusable):
        return error.kind
    for known, kind in _CLASSES:
        if isinstance(error, known):
            return kind
    if (code := _aws_code(error)) and code in _AWS:
        return _AWS[code]
    if status := _status(error):
        return _of_status(status)
    names = " ".join(cls.__name__ for cls in type(error).__mro__[:-2])
    return next((kind for part, kind in _NAMES if part in names), None)


def _refined(kind: Kind, detail: str) -> Kind:
    """Return the kind, told apart by the message where providers share one code."""
    lowered = detail.lower()
    if kind == "invalid" and any(words in lowered for words in _TOO_LONG):
        return "context"
    if kind == "invalid" and any(words in lowered for words in _NO_TOOLS):
        return "no_tools"
    return kind


def _aws_code(error: BaseException) -> str:
    response: Any = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if _is_mapping(response) else ""


def _status(error: BaseException) -> int:
    response: Any = getattr(error, "response", None)
    if _is_mapping(response):
        meta: Any = response.get("ResponseMetadata", {})
        return int(meta.get("HTTPStatusCode", 0) or 0)
    found: Any = getattr(error, "status_code", None)
    return found if isinstance(found, int) else 0


def _of_status(status: int) -> Kind | None:
    if status in (401, 403):
        return "authentication"
    if status == 429:
        return "throttled"
    if status in (408, 504):
        return "timeout"
    if status >= 500:
        return "upstream"
    return "invalid" if status >= 400 else None


def _retry_after(error: BaseException) -> float:
    response: Any = getattr(error, "response", None)
    if _is_mapping(response):
        headers: Any = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    else:
        headers = getattr(response, "headers", None) or {}
    try:
        return min(float(headers.get("retry-after", 0) or 0), 5.0)
    except (TypeError, ValueError):
        return 0.0


def _is_mapping(response: Any) -> bool:
    """Whether a response is botocore's parsed one."""
    return isinstance(response, dict)
