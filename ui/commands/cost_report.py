"""`ask cost report`: one page in Japanese for an approval, as Markdown or CSV."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.commands.cost_usage import STALE_PRICE, build_request, too_old, usage_options
from ui.cost_report import Frame, render_cost_csv, render_report
from ui.failures import Misuse, cause_of
from ui.language import Text

if TYPE_CHECKING:
    from assistant.app import Assistant
    from tools.cost import CostEstimate

MAX_OPTIONS = 3
VALID_DAYS = 30


@define_command(
    "report",
    Text(
        "稟議用の見積書を 1 枚作ります(案は 3 つまで)。-o の拡張子が .csv なら CSV です。",
        "Write a one-page estimate in Japanese for an approval, with up to 3 options.",
    ),
    examples=(
        (
            "ask cost report -i g5.xlarge -i g6.xlarge --months 3 --jpy 150 -o report.md",
            Text("2 案の見積書", "two options"),
        ),
    ),
)
@usage_options
@option(
    "-o",
    "--output",
    "path",
    metavar="FILE",
    text=Text("書き込むファイル。既定は標準出力。", "File to write. Default: standard output."),
)
@option(
    "--title",
    metavar="TEXT",
    default="AWS EC2 利用料 見積書",
    text=Text("表題。", "Title of the page."),
)
@option(
    "--valid-until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    text=Text("有効期限。既定は 30 日後。", "Valid until. Default: 30 days from now."),
)
@option("--force", is_flag=True, text=Text("あるファイルを置き換えます。", "Replace a file."))
@common_options
def command(
    call: Call,
    *,
    path: str | None,
    title: str,
    valid_until: datetime | None,
    force: bool,
    max_price_age: int | None,
    **given: Any,
) -> int:
    """Write the report."""
    target = _target(path, force=force)
    settings = call.settings()
    assistant = call.session.build(settings)
    request = build_request(settings, given | {"compare": True})
    if len(request["lines"]) > MAX_OPTIONS:
        raise Misuse(Text(f"案は {MAX_OPTIONS} つまでです。", f"At most {MAX_OPTIONS} options."))
    result = cast("CostEstimate", assistant.run_tool("estimate_cost", request))
    today = datetime.now().astimezone().date()
    until = valid_until.date() if valid_until else today + timedelta(days=VALID_DAYS)
    frame = Frame(title, today, until, uuid.uuid4().hex[:12])
    page = render_report(result, frame, regions=assistant.catalogue.regions)
    _keep(assistant, result, frame, page)
    text = render_cost_csv(result) if target and target.suffix == ".csv" else page
    _write(call, target, text)
    if stale := too_old(result, max_price_age):
        call.console.note(stale)
        return STALE_PRICE
    return 0


def _target(path: str | None, *, force: bool) -> Path | None:
    """Return the file to write; None for standard output. Refuses what would be lost."""
    if path in (None, "-"):
        return None
    target = Path(str(path))
    if target.suffix not in (".md", ".csv"):
        raise Misuse(
            Text(f"{path!r}: 拡張子は .md か .csv にしてください。", f"{path!r}: use .md or .csv.")
        )
    if target.exists() and not force:
        raise Misuse(
            Text(
                f"{path!r} は既にあります。置き換えるなら --force を付けてください。",
                f"{path!r} exists; add --force to replace it.",
            )
        )
    return target


def _write(call: Call, target: Path | None, text: str) -> None:
    if target is None:
        call.console.write(text)
        return
    # Spreadsheets read a CSV as UTF-8 only if it begins with a byte order mark.
    encoding = "utf-8-sig" if target.suffix == ".csv" else "utf-8"
    try:
        target.write_text(text, encoding)
    except OSError as error:
        cause = cause_of(error)
        raise Misuse(
            Text(
                f"{str(target)!r} に書けません: {cause.ja}",
                f"Cannot write {str(target)!r}: {cause.en}",
            )
        ) from error
    call.console.note(Text(f"{target} に書きました。", f"Wrote {target}."))


def _keep(assistant: Assistant, result: CostEstimate, frame: Frame, page: str) -> None:
    """Keep the page under its id, so that `ask --show ID` finds it."""
    from assistant.answer import Answer, Citation, ToolCall

    sources = [
        Citation(id=item.id, title=item.title, source=item.title, url=item.url, as_of=item.as_of)
        for item in result.sources
    ]
    call = ToolCall(name="estimate_cost", args=result.request.model_dump(mode="json"), ok=True)
    assistant.history.add(
        Answer(
            question=frame.title,
            answer=page,
            language="ja",
            citations=sources,
            tool_calls=[call],
            answer_id=frame.answer_id,
            elapsed_ms=0,
        )
    )
