"""Requests for code: when a clause is one, what a follow-up changes, and the tool's arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from assistant.planner.code_request import (
    DEFAULT_WORKLOAD,
    asks_else,
    choose,
    wants_code,
    workload_in,
)
from assistant.planner.mentions import Entities
from assistant.planner.request import Intent, Request
from assistant.planner.sizing import complete_sizing
from assistant.planner.sizing_route import inference_args, training_args
from assistant.planner.vocabulary import any_of, table

DEFAULT_MODEL = "7B"
"""Where no model is named: a size that shows what the machine can do."""
_THING = (
    r"(?:(?<!エラー)(?<!リージョン)(?<!終了)(?<!ステータス)コード|スクリプト|設定ファイル|設定|構成|"
    r"コンフィグ|ds_?config|config(?!\.json)|バンドル|一式|プログラム|scripts?|code|configs?|configuration|bundle)"
)
_WANT = (
    r"(?:作|生成|書い|書け|くだ|下さ|ちょうだい|ほしい|欲し|お願い|頼|用意|出し|出力|込み|だけ"
    r"|よろ|見せ)"
)
_WANTED = re.compile(
    rf"{_THING}.{{0,24}}{_WANT}|{_WANT}.{{0,6}}{_THING}|"
    r"\b(?:write|generate|create|make|give|need|want|build)\b.{0,60}"
    r"\b(?:code|scripts?|configs?|configuration|bundle)\b"
)
_MAKE = re.compile(rf"{_WANT}|\b(?:write|generate|create|make|build)\b")
_NAMED_THING = re.compile(
    r"(?:学習|訓練|推論|起動|デプロイ|前処理|チューニング|検出|変換|する|出す|ft(?:する)?|lora|用)の?"
    r"(?:コード|スクリプト|やつ|一式)(?!を(?:読|直|レビュー))|ds_config|"
    r"(?:の|用)(?:コード|スクリプト)(?:$|[。、,])"
)
_QUESTION = re.compile(r"とは|違い|意味|なぜ|どうして|いくら|料金|what is|why|how much")
_TITLE = re.compile(
    r"(?:コード|スクリプト|一式|バンドル)[をがはね]?[。!?!?]*$|"
    r"\b(?:code|scripts?|bundle)\b(?:\s+(?:for|on|with|using|in|please)\b.*)?[.!]?$"
)
"""`VLLMのスクリプト`: a thing that is named, without a verb."""
_BUILT = re.compile(
    r"(?:エンドポイント|サーバー?)を?[^。]{0,6}(?:作|立て|建て|構築|デプロイ)|"
    r"\b(?:create|deploy|build|set up|need|want|spin up)\b.{0,30}\b"
    r"(?:endpoint|(?:inference|api) server)"
)
"""What is built by code, so that wanting it means wanting the code."""
_DOUBLED = re.compile(r"バッチ.{0,8}(?:倍|ダブル)|doubl\w+.{0,16}batch|batch.{0,16}doubl")
_TIMES = re.compile(r"(?:バッチ|batch)\D{0,8}(\d{1,3})\s*(?:倍|times|x\b)")
_ACCUMULATION = re.compile(
    r"累積(?:ステップ|回数)?(?:数)?\s*(?:は|を|=|:)?\s*(\d{1,4})|accumulation\D{0,10}(\d{1,4})"
)
_CONCRETE = re.compile(r"models:/|runs:/|s3://|rtsp://")
"""Addresses that only a script has a use for."""
_S3 = re.compile(r"s3://[a-z0-9][\w.\-]+(?:/[\w.\-/]+)?", re.ASCII)
_DATA = re.compile(r"(?:データ(?:セット)?|data(?:set)?)[はをがの :=]{0,3}(?:at |in |from )?s3://")
_EACH = re.compile(r"マイクロ|micro|あたり|当たり|per[ -_]?(?:gpu|device)|ごと|累積|accum|ずつ")
"""Words that make a batch the one of each GPU."""
_FOLLOW_UP_LENGTH = 40
_CHANGES = frozenset({"fit", "count", "memory", "cost", "speed", "time"})
"""Questions about the plan behind the code, which sizing answers."""
_WITH = re.compile(r"(?:付き|込み)で(?:$|[。、])")


def generate_intent(
    found: Entities, scope: frozenset[str], text: str, context: Request | None
) -> Intent | None:
    """Return `generate` for a clause that wants code, or changes what was generated before."""
    if any_of(table("generate")["foreign"]["words"]).search(text):
        return "decline_generate" if "generate" in scope or _MAKE.search(text) else None
    if _QUESTION.search(text):
        return None
    intent = _wanted(found, scope, text, context)
    if intent != "generate" or (context is not None and context.intent == "generate"):
        return intent
    return "generate" if _made_here(found, text) else "decline_generate"


def _made_here(found: Entities, text: str) -> bool:
    """Whether some workload is what the clause wants; CPUs alone are for all but models."""
    named = workload_in(text)
    if named == "video-detect" and found.workload.task == "train":
        return False
    cpus = bool(found.subjects) and all(_is_cpu(subject.key) for subject in found.subjects)
    return not cpus or bool(named or found.workload.said or found.workload.task)


def _is_cpu(key: str) -> bool:
    return bool(re.match(r"c\d", key))


def _wanted(
    found: Entities, scope: frozenset[str], text: str, context: Request | None
) -> Intent | None:
    if "generate" in scope or (workload_in(text) and _CONCRETE.search(text)):
        return "generate"
    if _NAMED_THING.search(text):
        return "generate"
    built = _BUILT.search(text) and not asks_else(text)
    if (_TITLE.search(text) or built) and workload_in(text):
        return "generate"
    wanted = wants_code(text) or _WANTED.search(text) or _WITH.search(text)
    if wanted and (_subject(found, text) or _continues(context)):
        return "generate"
    # After a plan, a change without a word for code (`LoRAなら?`) changes the plan.
    made = context is not None and context.intent == "generate"
    return "generate" if made and _changes(found, text) else None


def _subject(found: Entities, text: str) -> bool:
    """Whether anything is named that code could be about."""
    return bool(found.workload.said or found.subjects or workload_in(text))


def _continues(context: Request | None) -> bool:
    return context is not None and context.intent in ("generate", "size_train")


def _changes(found: Entities, text: str) -> bool:
    """Whether a short clause changes the code before it (`ZeRO-2で`, `2台に`, `バッチを倍に`)."""
    if len(text) > _FOLLOW_UP_LENGTH or found.workload.asks & _CHANGES:
        return False
    usage = found.usage
    return bool(
        batch_factor(text) > 1
        or _ACCUMULATION.search(text)
        or found.workload.said
        or usage.count
        or usage.terms
        or (found.subjects and not found.attributes)
        or _S3.search(text)
    )


def batch_factor(text: str) -> int:
    """Return by how much the batch is to grow; 1 if nothing is said."""
    if match := _TIMES.search(text):
        return max(int(match[1]), 1)
    return 2 if _DOUBLED.search(text) else 1


def complete_generate(request: Request, found: Entities, context: Request | None) -> Request:
    """Return a request for code, with what it leaves unsaid taken from the one before."""
    completed = complete_sizing(request, found, context)
    before = context if context is not None and context.intent == "generate" else None
    cpu = bool(completed.subjects) and _is_cpu(completed.subjects[0].key)
    code = choose(request.text, completed.workload, before.code if before else "", cpu=cpu)
    if before and code != before.code and found.subjects == ():
        completed = replace(completed, subjects=())
    factor = batch_factor(request.text) * (before.batch_factor if before else 1)
    if found.workload.global_batch:
        factor = 1
    bucket = _S3.search(request.text)
    place = bucket[0] if bucket else (before.checkpoint_s3 if before else "")
    steps = _ACCUMULATION.search(request.text)
    accumulation = int(steps[1] or steps[2]) if steps else (before.accumulation if before else 0)
    each = found.workload.micro_batch
    if each and not found.workload.global_batch and not _EACH.search(request.text):
        # バッチサイズ64 is the batch of all GPUs, unless it says otherwise.
        workload = replace(completed.workload, micro_batch=None, global_batch=each)
        completed = replace(completed, workload=workload)
    return replace(
        completed,
        code=code,
        batch_factor=factor,
        checkpoint_s3=place,
        accumulation=accumulation,
    )


def join_generate(requests: Sequence[Request]) -> list[Request]:
    """Keep the last of several requests for code in a question: it holds what the others said."""
    made = [request for request in requests if request.intent == "generate"]
    return [r for r in requests if r.intent != "generate" or r is made[-1]]


def generate_args(request: Request, region: str | None) -> dict[str, Any]:
    """Return the arguments of generate_bundle: what the workload has options for."""
    from tools.codegen.registry import WORKLOADS

    workload = WORKLOADS.get(request.code)
    known = workload.options.model_fields if workload else {}
    options = _serving(request) if request.code == "vllm" else training_args(request, None)[0]
    if request.code == DEFAULT_WORKLOAD:
        options.setdefault("model", DEFAULT_MODEL)
        options |= {"batch_factor": request.batch_factor} if request.batch_factor > 1 else {}
        options |= {"accumulation": request.accumulation} if request.accumulation else {}
        if options.get("engine") not in ("trainer", "deepspeed"):
            options.pop("engine", None)
        if "deepspeed" in request.text:
            options["engine"] = "deepspeed"
    elif "model" in options and request.code != "vllm":
        del options["model"]  # a language model is nothing for the others
    if request.checkpoint_s3 and _DATA.search(request.text):
        options["dataset"] = request.checkpoint_s3
    elif options.get("spot") and request.checkpoint_s3:
        options["checkpoint_s3"] = request.checkpoint_s3
    args: dict[str, Any] = {
        "workload": request.code,
        "options": {name: value for name, value in options.items() if name in known},
    }
    return args | ({"region": region} if region else {})


def _serving(request: Request) -> dict[str, Any]:
    """Return the options of a server, under the names that its bundle has for them."""
    options = inference_args(request, None)[0]
    if weights := options.pop("weights", None):
        options["quantization"] = weights
    return options
