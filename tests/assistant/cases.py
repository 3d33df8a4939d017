"""Honest answers to work on: the planner's own texts, with the tool results that they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from assistant.planner.brain import Planner
from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue
from tools.results import Result

TODAY = date(2026, 11, 23)
QUESTIONS = (
    "G5とG4dnの違いは?",
    "g5.xlargeとg6.xlargeを比較して",
    "g5、g6、g6eの違い",
    "P4dとP5の違いは?",
    "c6iとc7gの違い",
    "A10GとL4の違いは?",
    "A100とH100の違い",
    "g4dn.xlargeとg5.xlargeとg6.xlargeを比較",
    "c7i.4xlarge と c7g.4xlarge の違い",
    "p5.48xlargeとp5en.48xlargeの違いは?",
    "g5.xlargeについて教えて",
    "p5.48xlargeとは?",
    "g6f.largeについて",
    "c6i.4xlargeのメモリは?",
    "p4d.24xlargeの料金は?",
    "g6e.12xlargeのGPUメモリは?",
    "g5.12xlargeのネットワーク帯域は?",
    "p5.48xlargeのEFAはいくつ?",
    "c8g.16xlargeのvCPUとメモリは?",
    "g5のサイズ一覧",
    "G6eのサイズと料金",
    "P5は?",
    "H100について教えて",
    "L40Sのメモリ帯域は?",
    "T4とは?",
    "Gシリーズについて",
    "H100を1枚だけ使えるインスタンスは?",
    "GPUメモリ80GB以上で一番安いのは?",
    "東京で16vCPU以上で安いのは?",
    "bf16が使えて一番安いGPUインスタンスは?",
    "メモリ256GiB以上のCシリーズ",
    "GPUが8枚のインスタンス",
    "EFAが使えるGシリーズ",
    "P4dはH100だよね?",
    "g5.xlargeのメモリは32GBですか?",
    "g4dnはbf16に対応してる?",
    "p5は大阪で使える?",
    "p5.24xlargeの料金は?",
    "g5.32xlargeについて",
    "trn1.32xlargeについて",
    "g5.xlargeはバージニア北部でいくら?",
    "g6.xlargeの東京と大阪の料金",
    "compare G5 and G4dn",
    "What is the difference between P4d and P5?",
    "how much does g5.xlarge cost in us-east-1?",
    "Tell me about g6e.12xlarge",
    "cheapest instance with at least 80 GB of GPU memory",
    "How many GPUs does p5.48xlarge have?",
    "sizes of g6",
    "Does g4dn support bf16?",
)


@dataclass(frozen=True)
class Honest:
    """A text of the planner, and what stands behind it."""

    question: str
    text: str
    results: tuple[Result, ...]
    quoted: tuple[str, ...]


def answer_of(planner: Planner, runner: ToolRunner, question: str) -> Honest:
    """Answer a question as the graph does, but keep the results."""
    plan = planner.plan(question, ())
    results = {key: runner.attempt(call.name, call.args) for key, call in plan.calls.items()}
    plain = {key: result.model_dump(mode="json") for key, result in results.items()}
    found = planner.compose(plan, plain, today=TODAY)
    return Honest(question, found.text, tuple(results.values()), tuple(found.quoted))


def honest_answers(catalogue: Catalogue, questions: Sequence[str] = QUESTIONS) -> list[Honest]:
    """Answer every question."""
    planner, runner = Planner(catalogue), ToolRunner(catalogue, "ap-northeast-1")
    return [answer_of(planner, runner, question) for question in questions]
