"""Read a workload: models, methods, precisions, lengths, batches and tokens of a question.

The text is normalised (lower case, NFKC). Model names are masked afterwards, so that no later
pattern reads `qwen2.5-7b` as an instance type.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Any

from assistant.planner.vocabulary import any_of, table
from assistant.planner.workload import Task, Workload

MASK = "\x01"
_FAMILIES = (
    "code ?llama|tiny ?llama|llama|qwen|mistral|mixtral|ministral|gemma|phi|gpt[ -]?oss|gpt[ -]?2|"
    "gpt[ -]?3|gpt[ -]?j|gpt[ -]?neox|bert|roberta|xlm-roberta|modernbert|deepseek|vit|"
    "stable diffusion|sdxl|sd ?(?=[12]\\.\\d)|t5|flan-t5|falcon|bloom|opt(?=-\\d)|pythia|smollm|"
    "yi(?=-\\d)|"
    "olmo|granite|swallow|elyza|calm|plamo|whisper|clip"
)
_COUNTED = (
    r"(?!\s*(?:枚|台|基|gpu|個|人|時間|日|週|か月|k(?![a-z])|トークン|tokens?|並列|エポック|"
    r"epoch|gb|gib|%|円|ドル|usd|bit|ビット|件|割))"
)
_PART = (
    rf"(?:v?\d{{1,3}}(?:\.\d{{1,2}})?(?:x\d+(?:\.\d+)?)?[bm]?(?![a-z0-9.]*[a-z0-9]){_COUNTED}|"
    r"[bslhg]/?(?:14|16|32)|a\d+(?:\.\d+)?b|e\d+b|r1|v3|v2|small|medium|large|base|huge|giant|mini|nano|nemo|xl|xxl|"
    r"instruct|chat|it|lite|moe|maverick|scout|turbo|distill|coder|math|vl|hf|pt)(?![a-z0-9])"
)
_MODEL = re.compile(
    rf"(?<![a-z0-9./\-])(?:[\w.\-]{{2,40}}/)?(?:{_FAMILIES})(?:[ \-_]*{_PART})*(?![a-z])", re.ASCII
)
_SCALES = {
    "k": 10**3,
    "千": 10**3,
    "万": 10**4,
    "m": 10**6,
    "million": 10**6,
    "百万": 10**6,
    "億": 10**8,
    "b": 10**9,
    "billion": 10**9,
    "t": 10**12,
    "兆": 10**12,
    "trillion": 10**12,
}
_SCALE = "|".join(sorted(map(re.escape, _SCALES), key=len, reverse=True))
_NUMBER = r"(?<![a-z0-9.\-])(?P<number>\d+(?:\.\d+)?)"
_TOKENS = re.compile(rf"{_NUMBER}\s*(?P<scale>{_SCALE})?\s*(?:トークン|tokens?(?!/))(?!\s*/|毎秒)")
_LENGTH = re.compile(
    rf"(?:シーケンス(?:の?長さ?)?|系列長?|コンテキスト(?:の?長さ?|ウィンドウ)?|文脈長?|入力長|"
    rf"context(?: length| window)?|"
    rf"sequence(?: length)?|seq(?:_?len(?:gth)?)?|max_?(?:seq_)?len(?:gth)?|max_model_len)"
    rf"\s*(?:は|が|を|で|=|:|of|at)?\s*{_NUMBER}\s*(?P<scale>k)?(?![a-z0-9])"
)
_THOUSANDS = re.compile(rf"{_NUMBER}\s*(?P<scale>k)(?![a-z0-9])")
_SHORT = 1_000_000
"""Fewer tokens than this are the length of a sequence, not the size of a corpus."""
_SHORTEST = 16
_LONG_WORD = re.compile(
    r"シーケンス|系列|コンテキスト|文脈|context|sequence|入力|prompt|プロンプト"
)
_BARE_SIZE = re.compile(
    rf"{_NUMBER}\s*(?P<unit>b|billion|億|兆|m(?=\s*(?:パラメ|param)))(?![a-z0-9])(?P<after>\s*(?:-|の)?\s*[^\s、。?]{{0,10}})"
)
_EXPERTS = re.compile(r"(?<![a-z0-9.\-])\d+x\d+(?:\.\d+)?b(?![a-z0-9])")
_INTEGERS: dict[str, re.Pattern[str]] = {
    "micro_batch": re.compile(
        r"(?:マイクロ|micro)[\s\-_]*(?:バッチ|batch)(?:[\s_]*(?:サイズ|size))?\s*(?:は|が|を|=|:|of)?\s*(\d+)"
    ),
    "global_batch": re.compile(
        r"(?:グローバル|global|全体の?|実効|total|effective)[\s\-_]*(?:バッチ|batch)(?:[\s_]*(?:サイズ|size))?\s*(?:は|が|を|=|:|of)?\s*(\d+)"
    ),
    "zero_stage": re.compile(
        r"(?:zero[\s\-_]*(?:stage|ステージ)?|stage|ステージ)[\s\-_]*([0-3])(?!\d)"
    ),
    "lora_rank": re.compile(
        r"(?:rank|ランク|(?<![a-z])r)\s*(?:は|が|を|=|:)?\s*(\d+)(?![a-z0-9.])"
    ),
    "tensor_parallel": re.compile(
        r"(?:tp|テンソル並列|tensor[ -]parallel(?:ism)?)\s*(?:は|が|を|数|度|=|:|of)?\s*(\d+)"
    ),
    "concurrency": re.compile(
        r"(?:同時(?:接続|実行|に|リクエスト|ユーザー?)?(?:数)?\s*(?:は|が|を|=|:)?\s*(\d+)|"
        r"(?<![a-z0-9.])(\d+)\s*(?:人|ユーザー?|並列|同時|リクエスト|concurrent|users?|requests?))"
    ),
    "gpus": re.compile(
        r"(?<![a-z0-9.\-])(?!1\s*(?:gpu|枚|基)\s*(?:あたり|当たり|につき|に?\s*何|の))(\d+)\s*(?:個|つ|基|枚)?の?\s*(?:gpus?|枚|基)(?!メモリ|\s*memory)"
    ),
    "samples": re.compile(
        r"(?<![a-z0-9.])(\d+)\s*(?:件|サンプル|samples?|examples?|データ)(?!あたり)"
    ),
}
_BATCH = re.compile(
    r"(?:バッチ|batch)(?:[\s_]*(?:サイズ|size))?\s*(?:は|が|を|=|:|of)?\s*(\d+)(?![a-z0-9.])"
)
_SAMPLES_SCALED = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)\s*(万|千|億)\s*(?:件|サンプル)")
_EPOCHS = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)\s*(?:エポック|epochs?)")
_DEADLINE = re.compile(
    r"(?<![a-z0-9.])(\d+(?:\.\d+)?)\s*(時間|日|週間|か月|ヶ月|hours?|days?|weeks?|months?)"
    r"\s*(?:以内|まで|で(?!き|す|は|の)|くらいで)|"
    r"(?:within|in under|in less than|in)\s+(\d+(?:\.\d+)?)\s*(hours?|days?|weeks?|months?)"
)
_HOURS = {"時": 1, "h": 1, "日": 24, "d": 24, "週": 168, "w": 168, "か": 730, "ヶ": 730, "m": 730}
_KV_FORMAT = re.compile(
    r"kv\s*(?:キャッシュ|cache)?\s*(?:を|は|が|も)?\s*(fp8|int8|bf16|fp16)|"
    r"(fp8|int8|bf16|fp16)\s*の?\s*kv(?![a-z])"
)
_CHOICES = ("optimizer", "engine", "attention", "offload")


def read_workload(text: str) -> tuple[Workload, str]:
    """Return what a normalised text says about a workload, and the text with model names masked."""
    reader = _Reader(text)
    values = reader.read()
    return Workload(**values), reader.rest


class _Reader:
    """Reads one clause."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._unread = text
        self.rest = text
        """Only names of models are masked here: other figures still serve other readers."""

    def read(self) -> dict[str, Any]:
        """Return the fields of a Workload."""
        found: dict[str, Any] = self._tokens()
        found |= self._length(found)
        if model := self._model():
            found["model"] = model
        found["task"] = self._task()
        found["asks"] = frozenset(_keys("asks", self._text))
        if not model and not found["task"] and len(found) == 2:
            return {"asks": found["asks"]} | self._words() | self._integers()
        return found | self._words() | self._integers()

    def _model(self) -> str | None:
        if match := _MODEL.search(self._unread):
            name = match[0].strip()
            if _is_bare(name) and (size := self._size(match.end())):
                return f"{name} {size}"
            self._mask(match.span())
            return name
        if match := _EXPERTS.search(self._unread):
            self._mask(match.span())
            return match[0]
        return self._size(0)

    def _size(self, start: int) -> str | None:
        """Return a bare number of parameters (`7B`, `700億パラメータ`)."""
        for match in _BARE_SIZE.finditer(self._unread, start):
            unit, after = match["unit"], match["after"].strip()
            if re.match(r"トークン|tokens?", after):
                continue
            if unit in "億兆" and not any_of(table("workload")["parameters"]["words"]).match(
                after.removeprefix("の")
            ):
                continue
            self._mask((match.start(), match.start("after")))
            number = Decimal(match["number"])
            if unit in "億兆":
                number *= Decimal("0.1") if unit == "億" else 1000
            return f"{number.normalize():f}{'M' if unit == 'm' else 'B'}"
        return None

    def _tokens(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for match in _TOKENS.finditer(self._unread):
            value = _value(match)
            around = self._text[max(0, match.start() - 12) : match.end() + 10]
            key = "length" if value < _SHORT or _LONG_WORD.search(around) else "tokens"
            if key == "length" and match["scale"] == "k":
                value = _length(match)
            if value >= _SHORTEST:  # 1トークンあたり is no length
                found.setdefault(key, value)
            self._hide(match.span())
        return found

    def _length(self, found: dict[str, Any]) -> dict[str, Any]:
        for pattern in (_LENGTH, _THOUSANDS):
            for match in pattern.finditer(self._unread):
                if (length := _length(match)) >= _SHORTEST:
                    self._hide(match.span())
                    found.setdefault("length", length)
        return {}

    def _task(self) -> Task | None:
        """Return the task; training wins where both are named (学習後の推論 is asked apart)."""
        tasks = _keys("task", re.sub(r"学習済み?|pre-?trained", "", self._text))
        return "train" if "train" in tasks else "infer" if "infer" in tasks else None

    def _words(self) -> dict[str, Any]:
        found: dict[str, Any] = {key: _first(key, self._text) for key in _CHOICES}
        found["method"] = _first("method", self._text)
        kv = _KV_FORMAT.search(self._text)
        if kv:
            found["kv_format"] = kv[1] or kv[2]
        without_kv = _KV_FORMAT.sub(" ", self._text)
        found["precision"] = _first("precision", without_kv)
        found["weights"] = _first("weights", without_kv) if not found["optimizer"] else None
        flags = _keys("flags", self._text)
        if "checkpointing_off" in flags:
            found["checkpointing"] = False
        elif "checkpointing" in flags:
            found["checkpointing"] = True
        found |= {key: True for key in ("liger", "compile", "spot") if key in flags}
        return {key: value for key, value in found.items() if value is not None}

    def _integers(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, pattern in _INTEGERS.items():
            if match := pattern.search(self._unread):
                found[key] = int(next(group for group in match.groups() if group))
                self._hide(match.span())
        if "micro_batch" not in found and (match := _BATCH.search(self._unread)):
            found["micro_batch"] = int(match[1])
        if match := _SAMPLES_SCALED.search(self._unread):
            found["samples"] = int(Decimal(match[1]) * _SCALES[match[2]])
        if match := _DEADLINE.search(self._unread):
            number, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
            found["deadline_hours"] = float(number) * _HOURS[unit[0]]
        if match := _EPOCHS.search(self._unread):
            found["epochs"] = float(match[1])
        return {key: value for key, value in found.items() if key == "zero_stage" or value}

    def _hide(self, span: tuple[int, int]) -> None:
        start, end = span
        self._unread = self._unread[:start] + MASK * (end - start) + self._unread[end:]

    def _mask(self, span: tuple[int, int]) -> None:
        self._hide(span)
        start, end = span
        self.rest = self.rest[:start] + MASK * (end - start) + self.rest[end:]


def _is_bare(name: str) -> bool:
    """Whether a model's name lacks its size (`llama 3`)."""
    return not re.search(r"\d[bm]$|\d[bm][ \-_]|small|medium|large|base|xl|mini|nano", name)


def _value(match: re.Match[str]) -> int:
    return int(Decimal(match["number"]) * _SCALES.get(match["scale"] or "", 1))


_LONGEST_K = 2048
_KIBI = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}


def _length(match: re.Match[str]) -> int:
    """Return a length in tokens: `8k` means 8,192 where the number is a power of two."""
    number = Decimal(match["number"])
    if match["scale"] != "k":
        return int(number)
    return int(number * 1024) if number in _KIBI else int(number * 1000)


def _first(kind: str, text: str) -> str | None:
    return next((key for key, pattern in _patterns(kind) if pattern.search(text)), None)


def _keys(kind: str, text: str) -> list[str]:
    return [key for key, pattern in _patterns(kind) if pattern.search(text)]


@cache
def _patterns(kind: str) -> list[tuple[str, re.Pattern[str]]]:
    return [(key, any_of(words)) for key, words in table("workload")[kind].items()]
