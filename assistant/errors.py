"""Errors that a front end shows. Each carries the exit code of the command line.

    AssistantError          1   internal
    ├── UsageError          2   the request itself is wrong
    ├── NotConfiguredError  3   a setting, extra or credential is missing
    ├── AuthenticationError 4
    ├── UnreachableError    5
    ├── ThrottledError      6
    ├── ModelTimeoutError   7
    └── UpstreamError       8

`message` is written for the user, in the language asked for by the front end.
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of everything that the assistant raises on purpose."""

    exit_code = 1

    def __init__(self, message_ja: str, message_en: str) -> None:
        """Keep the message in both languages."""
        super().__init__(message_en)
        self.message_ja = message_ja
        self.message_en = message_en

    def message(self, language: str) -> str:
        """Return the message in `ja` or `en`."""
        return self.message_en if language == "en" else self.message_ja


class UsageError(AssistantError):
    """The request is malformed: empty, too long, an unknown tool or option."""

    exit_code = 2


class NotConfiguredError(AssistantError):
    """A setting, an extra or a credential is missing."""

    exit_code = 3


class AuthenticationError(AssistantError):
    """The provider refused the credentials."""

    exit_code = 4


class UnreachableError(AssistantError):
    """The provider could not be reached."""

    exit_code = 5


class ThrottledError(AssistantError):
    """The provider asked to slow down."""

    exit_code = 6


class ModelTimeoutError(AssistantError):
    """No answer within the time limit."""

    exit_code = 7


class UpstreamError(AssistantError):
    """The provider failed."""

    exit_code = 8
