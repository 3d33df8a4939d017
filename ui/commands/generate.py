"""`ask generate`: runnable code for a workload, sized and verified. No model is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ui.call import Call, common_options
from ui.command import define_command, option
from ui.commands.spec import complete_name
from ui.language import Text, spoken

if TYPE_CHECKING:
    from assistant.app import Assistant
    from tools.codegen.spec import Bundle, Check

REFUSED = 2
"""Exit code where nothing was written, or where a folder does not pass."""
_COUNT = click.IntRange(min=1)


@define_command(
    "generate",
    Text(
        "学習や推論を動かすコード一式を作ります(スクリプト、設定、起動スクリプト、README)。\n"
        "メモリと料金を計算し、検証に通ったものだけを書き出します。",
        "Generate runnable code: script, configuration, launcher, README.\n"
        "Memory and cost are computed; only what passes verification is written.",
    ),
    examples=(
        (
            "ask generate llm-train --model gpt2-xl --instance p4d.24xlarge -o out/",
            Text("DeepSpeed の設定つき", "with its DeepSpeed configuration"),
        ),
        (
            "ask generate llm-train --model llama-3-8b --method qlora --instance g5.xlarge -o out/",
            Text("QLoRA", "QLoRA"),
        ),
        ("ask generate --list", Text("作れるものと検証の方法", "workloads, how each was verified")),
        ("ask generate --verify out/", Text("書き換えたあとの検算", "check a folder again")),
    ),
)
@click.argument("workload", required=False)
@option(
    "--model", metavar="MODEL", text=Text("モデル名(例: gpt2-xl、7B)。", "Model, or size (7B).")
)
@option(
    "--instance",
    metavar="TYPE",
    shell_complete=complete_name,
    text=Text(
        "インスタンスタイプ。省略すると推奨を選びます。", "Instance type; chosen if left out."
    ),
)
@option("--instances", type=_COUNT, metavar="N", text=Text("台数。", "Number of instances."))
@option(
    "--method",
    type=click.Choice(["full", "lora", "qlora"]),
    text=Text("学習の方法。", "How to train."),
)
@option(
    "--engine",
    type=click.Choice(["auto", "trainer", "deepspeed"]),
    text=Text("auto は複数 GPU なら DeepSpeed。", "auto: DeepSpeed on several GPUs."),
)
@option(
    "--spot",
    is_flag=True,
    default=None,
    text=Text("スポット中断に備えます(--checkpoint-s3 と一緒に)。", "Prepare for interruptions."),
)
@option(
    "--checkpoint-s3",
    metavar="S3",
    text=Text("チェックポイントの置き場所(s3://…)。", "Where checkpoints go (s3://…)."),
)
@option(
    "--set",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    text=Text("ほかの指定(例: --set zero_stage=3)。", "Other options: --set zero_stage=3."),
)
@option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    text=Text("書き出すフォルダー。", "Folder to write to."),
)
@option(
    "--force", is_flag=True, text=Text("同じ名前のファイルを上書きします。", "Overwrite files.")
)
@option("--zip", "archive", is_flag=True, text=Text("zip も作ります。", "Make a zip as well."))
@option(
    "--verify",
    "checked",
    type=click.Path(path_type=Path),
    metavar="DIR",
    text=Text("作ったフォルダーを検証します。", "Verify a folder made earlier."),
)
@option(
    "--list", "listing", is_flag=True, text=Text("作れるものを一覧します。", "List the workloads.")
)
@option("--json", "as_json", is_flag=True, text=Text("JSON で出力します。", "Print JSON."))
@common_options
def command(
    call: Call,
    *,
    workload: str | None,
    checked: Path | None,
    listing: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Generate, list or verify."""
    if listing:
        return _list(call, as_json=as_json)
    if checked is not None:
        return _verify(call, checked, as_json=as_json)
    if workload is None:
        raise click.UsageError(
            str(
                Text(
                    "何を作るかを指定します(例: ask generate llm-train)。一覧は --list。",
                    "Name a workload, for example: ask generate llm-train. See --list.",
                )
            )
        )
    return _generate(call, workload, as_json=as_json, **given)


def _generate(
    call: Call,
    workload: str,
    *,
    pairs: tuple[str, ...],
    folder: Path | None,
    force: bool,
    archive: bool,
    as_json: bool,
    **options: Any,
) -> int:
    from assistant.artifacts import kept_files, save_bundle

    settings = call.settings()
    assistant = call.session.build(settings)
    given = {name: value for name, value in options.items() if value is not None}
    request = {"workload": workload, "region": settings.region, "options": given | _pairs(pairs)}
    result: Any = assistant.run_tool("generate_bundle", request)
    if result.kind != "bundle":
        _show(call, assistant, result, as_json=as_json)
        return REFUSED
    made: Bundle = result
    target = folder or (settings.artifacts_dir or Path()) / made.name
    kept = kept_files(made, target)
    paths = save_bundle(made, target, force=force or folder is None, archive=archive)
    _show(call, assistant, made, as_json=as_json)
    call.console.note(
        Text(f"{target} に {len(paths)} ファイルを書きました。", f"{len(paths)} files in {target}.")
    )
    if kept:
        names_ja, names_en = "、".join(kept), ", ".join(kept)
        call.console.note(
            Text(
                f"前のバンドルの {names_ja} は変更があるため残しました。不要なら消してください。",
                f"Kept {names_en} of the bundle before: changed since. Remove what is not needed.",
            )
        )
    return 0


def _show(call: Call, assistant: Assistant, result: Any, *, as_json: bool) -> None:
    if as_json:
        call.console.write(result.model_dump_json(indent=2) + "\n")
    else:
        call.console.markdown(assistant.describe_result(result, spoken()))


def _pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    """Return the options of `--set`; values are read by the workload."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            text = Text(f"--set {pair} は 名前=値 の形で書きます。", f"--set {pair}: name=value.")
            raise click.UsageError(str(text))
        found[name.strip().replace("-", "_")] = value
    return found


def _verify(call: Call, folder: Path, *, as_json: bool) -> int:
    from assistant.artifacts import check_folder

    assistant = call.assistant()
    checks = check_folder(folder, assistant.catalogue)
    failures = [check for check in checks if check.status == "failed"]
    if as_json:
        rows = [check.model_dump(mode="json") for check in checks]
        call.console.json(rows)
    else:
        call.console.markdown(_report(checks))
    return REFUSED if failures else 0


def _report(checks: tuple[Check, ...]) -> str:
    marks = {
        "passed": Text("合格", "passed"),
        "failed": Text("**不合格**", "**failed**"),
        "skipped": Text("未実行", "not run"),
    }
    header = Text("| 項目 | 結果 | 内容 |", "| check | result | detail |")
    rows = [
        f"| `{c.key}` | {marks[c.status]} | {c.detail.ja if spoken() == 'ja' else c.detail.en} |"
        for c in checks
    ]
    bad = sum(check.status == "failed" for check in checks)
    verdict = (
        Text(f"**{bad} 項目が不合格です。**", f"**{bad} checks failed.**")
        if bad
        else Text("**検証に合格しました。**", "**All checks passed.**")
    )
    return "\n".join([str(verdict), "", str(header), "|---|---|---|", *rows]) + "\n"


def _list(call: Call, *, as_json: bool) -> int:
    from assistant.artifacts import workloads

    found = workloads()
    if as_json:
        rows = [
            {
                "workload": item.key,
                "description": item.description.model_dump(),
                "level": item.level,
                "verified": item.verified.model_dump(),
                "options": [name for name in item.options.model_fields if name != "region"],
            }
            for item in found
        ]
        call.console.json(rows)
        return 0
    japanese = spoken() == "ja"
    lines: list[str] = []
    for item in found:
        text, verified = (
            (item.description.ja, item.verified.ja)
            if japanese
            else (item.description.en, item.verified.en)
        )
        label = "検証" if japanese else "verified"
        lines += [f"- **{item.key}** {text}", f"  {label}: {verified}"]
    call.console.markdown("\n".join(lines) + "\n")
    return 0
