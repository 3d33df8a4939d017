"""What a refresh did, and why it could not, in the words of the user."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answer import Language
from assistant.errors import (
    AssistantError,
    AuthenticationError,
    ThrottledError,
    UnreachableError,
)
from knowledge.ec2.aws_errors import (
    RefreshBusyError,
    RefreshDeniedError,
    RefreshLoginError,
    RefreshThrottledError,
    RefreshUnreachableError,
)
from knowledge.ec2.refresh_all import PartReport, RefreshOutcome
from knowledge.errors import KnowledgeError

MAX_NAMES = 8
_PARTS = {
    "specs": ("仕様", "specs"),
    "prices": ("オンデマンドとリザーブドの料金", "on-demand and reserved prices"),
    "spot": ("スポット料金", "spot prices"),
    "savings-plans": ("Savings Plans の料金", "Savings Plans rates"),
    "capacity-blocks": ("Capacity Block の料金", "Capacity Block prices"),
}


def describe_refresh(outcome: RefreshOutcome, language: Language) -> str:
    """Return what a refresh did, as Markdown."""
    write = _japanese if language == "ja" else _english
    lines = [line for part in outcome.parts for line in write(part)]
    where = "保存先" if language == "ja" else "Written to"
    return "\n".join([*lines, f"- {where}: `{outcome.target}`"])


def refresh_error(error: KnowledgeError) -> AssistantError:
    """Return the error of a front end for an error of the refresh."""
    english = str(error)
    match error:
        case RefreshLoginError():
            message = (
                "AWS の認証情報がないか、使えません。"
                "`aws sso login` か `aws configure` を実行してください。"
            )
            return AuthenticationError(f"{message}({english})", english)
        case RefreshDeniedError():
            message = (
                f"AWS に {error.action} を拒否されました。この IAM アクションを許可してください。"
            )
            return AuthenticationError(message, english)
        case RefreshUnreachableError():
            message = "AWS に接続できません。ネットワークとプロキシを確認してください。"
            return UnreachableError(f"{message}({english})", english)
        case RefreshThrottledError():
            message = "AWS に呼び出しを制限されました。時間をおいて実行し直してください。"
            return ThrottledError(f"{message}({english})", english)
        case RefreshBusyError():
            message = "別の更新が実行中です。終わってから実行し直してください。"
            return AssistantError(f"{message}({english})", english)
        case _:
            message = "更新できませんでした。以前のデータはそのまま使えます。"
            return AssistantError(f"{message}({english})", english)


def _japanese(part: PartReport) -> list[str]:
    name = _PARTS[part.part][0]
    if part.error:
        return [f"- **{name}**: 更新できず、以前のデータのままです。{part.error}"]
    regions = len(part.regions)
    found = (
        f"- **{name}**: {regions} リージョンから {part.items:,} 件を取得しました({part.as_of})。"
    )
    lines = [
        found
        + _changes("新しい種類", part.added, "、")
        + _changes("一覧から消えた種類", part.withdrawn, "、")
    ]
    kept = [
        f"  - {region} は以前のデータのまま: {cause}" for region, cause in part.failures.items()
    ]
    return lines + kept


def _english(part: PartReport) -> list[str]:
    name = _PARTS[part.part][1]
    if part.error:
        return [f"- **{name}**: not refreshed, the previous data stays. {part.error}"]
    found = f"- **{name}**: {part.items:,} from {len(part.regions)} regions ({part.as_of})."
    lines = [
        found
        + _changes(" New", part.added, ", ")
        + _changes(" No longer listed", part.withdrawn, ", ")
    ]
    kept = [
        f"  - {region} keeps its previous data: {cause}" for region, cause in part.failures.items()
    ]
    return lines + kept


def _changes(label: str, names: Sequence[str], comma: str) -> str:
    if not names:
        return ""
    more = " …" if len(names) > MAX_NAMES else ""
    return f"{label}: {comma.join(names[:MAX_NAMES])}{more}" + ("。" if comma == "、" else ".")
