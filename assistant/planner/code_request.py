"""Wishes for code: whether a text wants some, in whatever order and words it says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from assistant.planner.vocabulary import any_of, table
from assistant.planner.workload import Workload

DEFAULT_WORKLOAD = "llm-train"

_ELSE = re.compile(
    r"教えて|いくら|料金|価格|費用|スペック|比較|違い|とは|おすすめ|オススメ|どれ|どっち|どちら|"
    r"何(?:枚|台|gb|gib|日|時間|円|ギガ)|足り|載る|乗る|入る|収まる|how (?:much|many|long)|which|"
    r"compare|price|cost"
)
"""What a sentence asks for that code does not answer."""
_ENDED = re.compile(
    r"\s*(?:まとめて|全部)?[をがはもね]?\s*(?:$|(?<=\s)(?=[cpg]\d)|\b(?:for|with|using|on)\b|(?:と[^、。]{1,8})?を?(?:教えて|知りたい)|[、。,!?…)(]|plz|pls|please)"
)
_BEFORE = 16
"""Characters in which a word can say that the code is there already (`このスクリプト`)."""


def wants_code(text: str) -> bool:
    """Whether a text asks for code: a word for it, and a wish, or nothing but its name."""
    things, wishes, spoiled, deictic = _patterns()
    if spoiled.search(text):
        return False
    for thing in things.finditer(text):
        if deictic.search(text[max(0, thing.start() - _BEFORE) : thing.start()]):
            continue
        if wishes.search(text) or _ENDED.match(text, thing.end()):
            return True
    return False


def is_one_request(parts: Sequence[str], tails: Sequence[str]) -> bool:
    """Whether the sentences of a question are one wish for code and its conditions.

    `コードほしい。p5で70Bを学習` is; `7Bは載る?載るならコードも` asks for two things.
    """
    wanting = [wants_code(part) for part in parts]
    asking = [
        not wants and (tail == "?" or asks_else(part))
        for part, tail, wants in zip(parts, tails, wanting, strict=True)
    ]
    return any(wanting) and not any(asking)


def asks_else(text: str) -> bool:
    """Whether a text asks for a figure, a choice or an explanation."""
    return bool(_ELSE.search(text))


def workload_in(text: str) -> str | None:
    """Return the workload that a text names; the most specific word wins."""
    pattern, index = _workload_words()
    found = [match[0] for match in pattern.finditer(text)]
    return index[max(found, key=lambda word: (_RANK[index[word]], len(word)))] if found else None


def _workload_words() -> tuple[re.Pattern[str], dict[str, str]]:
    groups: dict[str, list[str]] = table("generate")["workloads"]
    index = {word: key for key, words in groups.items() for word in words}
    return any_of(index), index


_RANK = {
    "sagemaker-realtime": 1,
    "dask-preprocess": 1,
    "sagemaker-multimodel": 3,
    "vit-lightning": 1,
    "tensorrt": 2,
    "vllm": 3,
    "cpu-infer": 2,
    "spark-batch": 2,
    "xgboost": 2,
    "video-detect": 1,
}
"""Which of two workloads is meant where both are named: the tool before what it is used on."""


_OTHER_MODEL = re.compile(r"bert|vit|stable|sd|clip|whisper|t5|resnet|yolo")
_RUN = re.compile(r"api|動かす|動かし|立ち上げ|立てる|立てたい|起動|ホスト|\b(?:run|start|host)")
_SERVER = re.compile(r"vllm|サーバ|server|api|推論|infer|serv")


def choose(text: str, workload: Workload, before: str, *, cpu: bool) -> str:
    """Return the workload of a request for code: by its words, else by task, model and machine."""
    named = workload_in(text)
    other = bool(workload.model and _OTHER_MODEL.match(workload.model))
    language = workload.model is not None and not other
    alone = "cpu-infer" if cpu else "tensorrt"
    if named in ("sagemaker-realtime", "spark-batch") and language and not _names_tool(text):
        return "vllm"  # a language model is served, and fed in batches, by vLLM
    if named == "vit-lightning" and workload.task == "infer":
        return alone
    if named == "vllm" and "vllm" not in text:
        if workload.task == "train" and not _SERVER.search(text):
            return DEFAULT_WORKLOAD
        return "cpu-infer" if cpu else "sagemaker-realtime" if other else named
    if named or before:
        return named or before
    if workload.task == "infer" or (workload.task is None and language and _RUN.search(text)):
        return "vllm" if language and not cpu else alone
    return DEFAULT_WORKLOAD


def _names_tool(text: str) -> bool:
    return bool(re.search(r"sagemaker|(?<![a-z])ml\.|spark|mlflow", text))


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    words: dict[str, list[str]] = table("generate")["wanted"]
    return (
        any_of(words["things"]),
        any_of(words["wishes"]),
        any_of(words["spoiled"]),
        re.compile(rf"(?:{'|'.join(words['existing'])})の?$"),
    )
