"""Drafts for a person to finish: an eval case and a glossary entry, made from one answer.

Nothing in a draft is verified. Its figures and names are the answer's own, so they show what to
look up; the note and the comments say so, and the checks of both collections refuse a draft that
was not finished.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from assistant.answer import Answer, Language
from assistant.feedback import Feedback

TO_CHECK = "要確認"
"""What the note of a case begins with until a person has checked it."""
MOST_FIGURES = 12

_UNITS = {
    "ドル": "USD",
    "円": "JPY",
    "×": "GPU",
    **dict.fromkeys(("GPU", "GPUs", "基", "枚"), "GPU"),
    **dict.fromkeys(("vCPU", "vCPUs"), "vCPU"),
    **dict.fromkeys(("コア", "cores"), "core"),
    **dict.fromkeys(("台", "instance", "instances"), "instance"),
    **dict.fromkeys(("時間", "hour", "hours"), "hours"),
    **dict.fromkeys(("日", "日間", "day", "days"), "days"),
    "EFA interfaces": "EFA",
    **{
        unit: unit
        for unit in (
            *("MiB", "GiB", "TiB", "MB", "GB", "TB", "GB/s", "TB/s", "Mbps", "Gbps", "Tbps"),
            *("GHz", "MHz", "TFLOPS", "PFLOPS", "USD", "JPY", "%"),
        )
    },
}
"""Units of answers as the eval cases write them; figures in other units are left to the person."""
_CATEGORIES = {
    "generate_bundle": "generation",
    "size_training": "sizing",
    "size_inference": "sizing",
    "estimate_cost": "cost",
    "find_instances": "search",
    "compare_instances": "comparisons",
    "search_glossary": "concepts",
}


def case_draft(
    answer: Answer, turns: Sequence[str], votes: Iterable[Feedback], spoken: Language
) -> dict[str, Any]:
    """Return an eval case (evals/dataset.py) whose last turn is the answer's question."""
    given = list(votes)
    abstain = _should_abstain(answer, given)
    category = "abstention" if abstain else _category(answer, turns)
    asked: dict[str, Any] = {"turns": list(turns)} if len(turns) > 1 else {"question": turns[0]}
    return {
        "id": f"{category}-dev-{answer.answer_id}",
        "category": category,
        **asked,
        "language": answer.language,
        "expect": _expected(answer, abstain=abstain),
        "hand": True,
        "note": _note(answer, given, spoken),
    }


def wants_entry(answer: Answer) -> bool:
    """Whether the glossary may lack something: the answer abstained, or explained a concept."""
    return answer.abstained or any(call.name == "search_glossary" for call in answer.tool_calls)


def entry_draft(answer: Answer, spoken: Language) -> str:
    """Return a glossary entry (knowledge/glossary) with the question and blanks to fill."""
    from knowledge.glossary_index import load_glossary

    cited = dict.fromkeys(citation.id.partition("#")[0] for citation in answer.citations)
    known = set(load_glossary().ids)
    hints = _ENTRY_HINTS[spoken]
    lines = [
        "---",
        f"id:  # {hints['id']}",
        'term: {ja: "", en: ""}',
        "aliases: []",
        "series: []",
        f"section:  # {hints['section']}",
        f'summary: ""  # {hints["summary"]}',
        f'summary_en: ""  # {hints["summary_en"]}',
        f"questions:  # {hints['questions']}",
        f"  - {_quoted(answer.question)}",
        f"sources: {{}}  # {hints['sources']}",
        f"facts: []  # {hints['facts']}",
        f"see_also: [{', '.join(name for name in cited if name in known)}]  # {hints['see_also']}",
        "mistakes: []",
        "---",
        f"<!-- {TO_CHECK}: {hints['body']} -->",
    ]
    return "\n".join(lines) + "\n"


def _category(answer: Answer, turns: Sequence[str]) -> str:
    if len(turns) > 1:
        return "multi_turn"
    if answer.language == "en":
        return "english"
    called = {call.name for call in answer.tool_calls if call.ok}
    return next((name for tool, name in _CATEGORIES.items() if tool in called), "facts")


def _expected(answer: Answer, *, abstain: bool) -> dict[str, Any]:
    called = dict.fromkeys(call.name for call in answer.tool_calls if call.ok)
    answered = not answer.abstained
    return {
        "figures": list(_figures(answer)) if answered else [],
        "names": [[name] for name in _names(answer)] if answered else [],
        "forbidden": [],
        "abstain": abstain,
        "citation": answered and bool(answer.citations),
        "tools": list(called) if answered else [],
        "artifact": True if answer.artifacts else None,
    }


def _should_abstain(answer: Answer, votes: Sequence[Feedback]) -> bool:
    """Whether abstaining seems right: out of scope, or found good; other gaps are to be closed."""
    given = {vote.vote for vote in votes}
    right = answer.reason in ("out_of_scope", "empty", "too_long") if not given else "up" in given
    return answer.abstained and right


def _figures(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the figures of the lead, which answers the question; without any, the first ones."""
    lead = answer.answer.partition("\n\n")[0]
    usable = [figure for figure in answer.figures if figure.unit in _UNITS]
    leading = [figure for figure in usable if figure.text in lead]
    found = {
        (float(figure.value), _UNITS[figure.unit]): None
        for figure in (leading or usable[:MOST_FIGURES])
    }
    for value, unit in found:
        yield {"value": value, "unit": unit}


def _names(answer: Answer) -> Iterator[str]:
    """Yield what the lead is about, as far as the tools know it by name."""
    lead = answer.answer.partition("\n\n")[0]
    subjects = [figure.source.split(":")[0] for figure in answer.figures]
    asked = [str(name) for call in answer.tool_calls for name in _listed(call.args.get("names"))]
    for name in dict.fromkeys([*asked, *subjects]):
        if name and re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9.])", lead, re.I):
            yield name


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()  # pyright: ignore[reportUnknownVariableType]


def _note(answer: Answer, votes: Sequence[Feedback], spoken: Language) -> str:
    """Return where the draft comes from and what is to be done with it."""
    reasons = [f"{vote.vote}: {' '.join(vote.reason.split())}".strip(": ") for vote in votes]
    if answer.abstained:
        reasons.append(f"abstained: {answer.reason or 'unclear'}")
    told = f" [{'; '.join(reasons)}]" if reasons else ""
    todo = _TO_DO[spoken]["abstained" if answer.abstained else "answered"]
    return _TO_DO[spoken]["from"].format(id=answer.answer_id, told=told) + todo


def _quoted(question: str) -> str:
    import yaml

    text = " ".join(question.split())
    return yaml.safe_dump(text, allow_unicode=True, default_style='"', width=10**6).strip()


_TO_DO: Mapping[Language, Mapping[str, str]] = {
    "ja": {
        "from": f"{TO_CHECK}: 回答 {{id}} からの下書き{{told}}。",
        "answered": "期待値は回答から写したものです。一次情報で確かめて直し、"
        "この欄を出典に書き換えてください。",
        "abstained": "控えるのが正しければ abstain を true に、答えるべきなら期待値を一次情報から"
        "書き、この欄を出典に書き換えてください。",
    },
    "en": {
        "from": f"{TO_CHECK} (to be checked): draft from answer {{id}}{{told}}. ",
        "answered": "The expected values are the answer's own: correct them from a primary source "
        "and name it here.",
        "abstained": "Set abstain to true where abstaining is right; else write what is expected "
        "from a primary source and name it here.",
    },
}
_ENTRY_HINTS: Mapping[Language, Mapping[str, str]] = {
    "ja": {
        "id": "英小文字とハイフン。ファイル名を <id>.md にします",
        "section": "knowledge/glossary_entries.py の Section から 1 つ",
        "summary": "「Xとは?」に答える 1 文(20〜140 字)",
        "summary_en": "英語で 1 文(20〜240 字)",
        "questions": "聞かれ方を 2 つ以上",
        "sources": '一次情報: key: {title: "", url: "https://…", as_of: YYYY-MM-DD}',
        "facts": '3 つ以上: - {name: "", value: "", unit: "", source: key}',
        "see_also": "回答が引用した項目。同じ内容なら、新しく作らずにそちらを直します",
        "body": "本文(150 字以上)を書き、この行を消してください",
    },
    "en": {
        "id": "lower case and hyphens; name the file <id>.md",
        "section": "one Section of knowledge/glossary_entries.py",
        "summary": "one Japanese sentence that answers what it is (20 to 140 characters)",
        "summary_en": "one English sentence (20 to 240 characters)",
        "questions": "two ways to ask or more",
        "sources": 'primary: key: {title: "", url: "https://…", as_of: YYYY-MM-DD}',
        "facts": 'three or more: - {name: "", value: "", unit: "", source: key}',
        "see_also": "what the answer cited; mend that entry if it is about the same",
        "body": "write the body in Japanese (150 characters or more) and delete this line",
    },
}
