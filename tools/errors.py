"""Errors of the tools. Messages are for the user, in both languages."""

from __future__ import annotations

from typing import Literal

NameProblem = Literal["misspelt", "no_such_size", "no_such_family", "outside", "not_a_name"]


class ToolInputError(Exception):
    """The request cannot be served; the message gives the value, the cause and the remedy."""

    def __init__(self, message_ja: str, message_en: str) -> None:
        """Keep the message in both languages."""
        super().__init__(message_en)
        self.message_ja = message_ja
        self.message_en = message_en


class NoGpuError(ToolInputError):
    """A machine without a GPU that models are trained or served on."""


class UnknownNameError(ToolInputError):
    """A name that is no instance type, family, GPU or series of the catalogue."""

    def __init__(self, name: str, problem: NameProblem, suggestions: tuple[str, ...]) -> None:
        """Say what is wrong with `name`; `suggestions` are the closest real names, best first."""
        nearest_ja = f"近いもの: {'、'.join(suggestions)}" if suggestions else ""
        nearest_en = f"Closest: {', '.join(suggestions)}." if suggestions else ""
        cause_ja, cause_en = _CAUSES[problem]
        super().__init__(
            f"「{name}」{cause_ja}。{nearest_ja}", f"{name!r} {cause_en}. {nearest_en}".strip()
        )
        self.name = name
        self.problem: NameProblem = problem
        self.suggestions = suggestions


class UnknownRegionError(ToolInputError):
    """A region code that is not in the catalogue."""

    def __init__(self, region: str, suggestions: tuple[str, ...]) -> None:
        """Name the closest region codes."""
        near_ja = f"近いもの: {'、'.join(suggestions)}" if suggestions else ""
        near_en = f"Closest: {', '.join(suggestions)}." if suggestions else ""
        super().__init__(
            f"リージョン「{region}」は見つかりません。{near_ja}",
            f"There is no region {region!r}. {near_en}".strip(),
        )
        self.region = region
        self.suggestions = suggestions


_CAUSES: dict[NameProblem, tuple[str, str]] = {
    "misspelt": ("という名前はありません", "is not a name in the catalogue"),
    "no_such_size": ("というサイズはありません", "is not a size of this family"),
    "no_such_family": ("というファミリーはありません", "is not a family in the catalogue"),
    "outside": (
        "は EC2 に存在しますが、C・P・G シリーズの外です",
        "exists on EC2 but is outside the C, P and G series",
    ),
    "not_a_name": ("はインスタンス名として読めません", "does not read as an instance name"),
}
