"""What is wrong with the arguments of a tool, in the words of the user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tools.errors import ToolInputError

if TYPE_CHECKING:
    from pydantic import ValidationError

_FIELDS: dict[str, tuple[str, str]] = {
    "hours": ("時間", "hours"),
    "count": ("台数", "count"),
    "gpus": ("GPU の枚数", "number of GPUs"),
    "budget_usd": ("予算", "budget"),
    "budget_jpy": ("予算", "budget"),
    "jpy_per_usd": ("為替レート", "exchange rate"),
    "hours_per_day": ("1 日の時間", "hours per day"),
    "hours_per_week": ("1 週間の時間", "hours per week"),
    "hours_per_month": ("1 か月の時間", "hours per month"),
    "days_per_week": ("1 週間の日数", "days per week"),
    "days_per_month": ("1 か月の日数", "days per month"),
    "days": ("日数", "days"),
    "weeks": ("週数", "weeks"),
    "months": ("月数", "months"),
    "years": ("年数", "years"),
    "ebs_gb": ("EBS の容量", "EBS volume"),
    "lines": ("見積もりの行", "lines"),
    "names": ("名前", "names"),
    "query": ("検索語", "query"),
    "limit": ("件数", "limit"),
    "region": ("リージョン", "region"),
    "model": ("モデル", "model"),
    "sequence_length": ("系列長", "sequence length"),
    "micro_batch": ("マイクロバッチ", "micro-batch"),
    "global_batch": ("グローバルバッチ", "global batch"),
    "instances": ("台数", "instances"),
    "tokens": ("トークン数", "tokens"),
    "epochs": ("エポック数", "epochs"),
    "context": ("コンテキスト長", "context"),
    "concurrency": ("同時実行数", "concurrency"),
    "lora_rank": ("LoRA のランク", "LoRA rank"),
    "deadline_hours": ("期限", "deadline"),
}
_LIMITS: dict[str, tuple[str, Callable[[Mapping[str, Any]], str], str]] = {
    "greater_than": ("{} より大きい値にしてください", lambda c: str(c["gt"]), "must be above {}"),
    "greater_than_equal": (
        "{} 以上にしてください",
        lambda c: str(c["ge"]),
        "must be at least {}",
    ),
    "less_than": ("{} 未満にしてください", lambda c: str(c["lt"]), "must be below {}"),
    "less_than_equal": ("{} 以下にしてください", lambda c: str(c["le"]), "must be at most {}"),
    "too_long": ("{} 件までです", lambda c: str(c["max_length"]), "at most {} are possible"),
    "too_short": ("{} 件以上必要です", lambda c: str(c["min_length"]), "at least {} are needed"),
    "string_too_long": (
        "{} 文字までです",
        lambda c: str(c["max_length"]),
        "at most {} characters are possible",
    ),
    "literal_error": (
        "{} のどれかにしてください",
        lambda c: str(c["expected"]).replace(" or ", ", "),
        "must be one of {}",
    ),
}


def refusal(error: ValidationError) -> ToolInputError:
    """Return the first problem of a request as a message that names the field and its limit."""
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"] if not isinstance(part, int)]
    field = path[-1] if path else "request"
    name_ja, name_en = _FIELDS.get(field, (field, field))
    where = ".".join(str(part) for part in problem["loc"]) or field
    if field not in _FIELDS and name_ja != where:
        name_ja = f"{name_ja}({where})"
    limit = _LIMITS.get(problem["type"])
    if problem["type"] == "missing":
        return ToolInputError(
            f"「{name_ja}」の指定が必要です。", f"The {name_en} ({where}) is missing."
        )
    if problem["type"] == "extra_forbidden":
        return ToolInputError(
            f"「{name_ja}」という指定はありません。", f"There is no argument {field!r}."
        )
    if limit is None:
        return ToolInputError(
            f"「{name_ja}」の指定を読めません: {problem['msg']}",
            f"Cannot read {name_en} ({where}): {problem['msg']}",
        )
    ja, value, en = limit
    bound = value(problem.get("ctx", {}))
    bound = f"{int(bound):,}" if bound.isdigit() else bound
    return ToolInputError(
        f"「{name_ja}」は {ja.format(bound)}。", f"{name_en} ({where}): {en.format(bound)}."
    )
