"""Compose a bundle: what was made and why, its files, the key configuration, how to run it."""

from __future__ import annotations

from pathlib import PurePosixPath

from assistant.planner.compose.context import Draft
from assistant.planner.compose.sizing import sizing
from assistant.planner.request import Request
from tools.charts import Text
from tools.codegen.spec import Bundle, BundleRefusal, Sheet

SHOWN_SETTINGS = 8
SHOWN_LINES = 45
_FENCES = {".json": "json", ".toml": "toml", ".py": "python", ".sh": "sh", ".yaml": "yaml"}


def bundle(draft: Draft, request: Request, result: Bundle | BundleRefusal) -> None:
    """Write what was generated, or why nothing was."""
    if isinstance(result, Bundle):
        _made(draft, result)
    else:
        _refused(draft, request, result)


def _made(draft: Draft, made: Bundle) -> None:
    """Write what was generated. Texts of the bundle are quoted as they stand in its files."""
    sheet = made.sheet
    verbatim(draft, draft.say("gen_verdict", title=_in(draft, sheet.title)))
    _settings(draft, sheet)
    _reasons(draft, sheet)
    _numbers(draft, made)
    _shown(draft, made)
    files = draft.say.listed(f"`{item.path}`" for item in made.files)
    verbatim(draft, draft.say("gen_files", files=files))
    draft.phrase("gen_run")
    _verification(draft, made)
    for warning in sheet.warnings:
        draft.quote_curated(_in(draft, warning), bullet="- ")
    draft.cite(made.sources)
    draft.cite_quote(sheet.quote)
    if made.workload == "llm-train":
        draft.suggestions += [draft.say("gen_next_batch"), draft.say("gen_next_spot")]


def _refused(draft: Draft, request: Request, refused: BundleRefusal) -> None:
    """Write why no bundle is handed out, and what would work."""
    if refused.refusal:
        draft.phrase("gen_refused_plan")
        sizing(draft, request, refused.refusal)
        return
    verbatim(draft, draft.say("gen_refused", reason=_in(draft, refused.reason)))
    if refused.suggestion:
        draft.quote_curated(_in(draft, refused.suggestion))


def verbatim(draft: Draft, text: str) -> None:
    """Append a block whose figures are those of the bundle's own texts."""
    draft.quoted.append(text)
    draft.add(text)


def _in(draft: Draft, text: Text) -> str:
    return text.ja if draft.say.language == "ja" else text.en


def _settings(draft: Draft, sheet: Sheet) -> None:
    say = draft.say
    header = [say("gen_setting"), say("gen_value"), say("gen_why")]
    rows = [
        [f"`{item.key}`", f"`{item.value}` {item.unit}".strip(), _in(draft, item.why)]
        for item in sheet.settings[:SHOWN_SETTINGS]
    ]
    draft.table(header, rows)
    if rows:
        draft.quoted.append(draft.blocks[-1])


def _reasons(draft: Draft, sheet: Sheet) -> None:
    lines = [f"- **{_in(draft, c.what)}**: {_in(draft, c.why)}" for c in sheet.choices]
    if lines:
        verbatim(draft, "\n".join(lines))


def _numbers(draft: Draft, made: Bundle) -> None:
    """Write peak memory, expected speed and price."""
    say, sheet = draft.say, made.sheet
    lines: list[str] = []
    if sheet.memory:
        memory = sheet.memory
        lines.append(
            say("gen_memory", peak=f"{memory.peak_gib:.1f}", usable=f"{memory.usable_gib:.1f}")
        )
    for item in sheet.expected:
        label = _in(draft, item.label) if item.label else item.key
        lines.append(f"- {label}: {item.value} {item.unit} ({_in(draft, item.why)})")
    if lines:
        verbatim(draft, "\n".join(lines))
    draft.phrase(
        "gen_price",
        name=sheet.instance.name,
        region=say.region(sheet.quote.region),
        price=say.price(sheet.quote),
    )


def _shown(draft: Draft, made: Bundle) -> None:
    item = made.file(made.shown)
    fence = _FENCES.get(PurePosixPath(item.path).suffix, "")
    lines = item.text.splitlines()
    if fence in ("toml", "yaml"):  # its comments are for people who edit the file
        lines = [line for line in lines if line and not line.startswith("#")]
    cut = [*lines[:SHOWN_LINES], "…"] if len(lines) > SHOWN_LINES else lines
    verbatim(draft, f"`{item.path}`:")
    verbatim(draft, "\n".join([f"```{fence}", *cut, "```"]))


def _verification(draft: Draft, made: Bundle) -> None:
    done = [check for check in made.checks if check.status == "passed"]
    text = draft.say("gen_verified", count=len(done), how=_in(draft, made.verified))
    verbatim(draft, text)
