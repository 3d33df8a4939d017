"""The `ask eval` command, registered through the entry point group `ask.commands`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from evals import report, run
from evals.dataset import Case, Split, actual_hashes, frozen_hashes, load
from evals.run import Result, Row

FAILURES_SHOWN = 10


@click.command("eval")
@click.option("--split", type=click.Choice(["dev", "test"]), default="dev", show_default=True)
@click.option("--category", "chosen", multiple=True, help="Only this category; repeatable.")
@click.option("--failures", type=click.IntRange(min=0), default=None, help="Failures to list.")
@click.option("--show-failures", is_flag=True, help="List failures of the test split too.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report.")
@click.option("--model", help="Chat model to evaluate; the planner by default.")
def command(
    split: str,
    chosen: tuple[str, ...],
    failures: int | None,
    show_failures: bool,
    html: Path | None,
    model: str | None,
) -> None:
    """Measure the assistant on the evaluation datasets."""
    cases = _cases(cast(Split, split), chosen)
    open_split = split == "dev" or show_failures
    results = run.run_cases(run.load_assistant(model), cases, _tick)
    click.echo(err=True)
    _print_tables(results)
    if open_split:
        _print_failures(results, FAILURES_SHOWN if failures is None else failures)
    if html:
        page = report.render(results, split=split, model=model or "planner", details=open_split)
        html.write_text(page, encoding="utf-8")
        click.echo(f"report: {html}", err=True)
    missed = run.below(results, run.read_thresholds(), whole=not chosen)
    for line in missed:
        click.echo(f"below threshold: {line}", err=True)
    sys.exit(1 if missed else 0)


def _cases(split: Split, chosen: tuple[str, ...]) -> list[Case]:
    try:
        cases = load(split, chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if split == "test" and actual_hashes() != frozen_hashes():
        raise click.ClickException("the test split differs from datasets/HASHES.txt")
    return cases


def _tick(result: Result) -> None:
    click.echo("." if result.passed else "F", nl=False, err=True)


def _print_tables(results: list[Result]) -> None:
    click.echo(f"{'category':<14}{'n':>5}{'passed':>8}{'rate':>8}   95 % interval")
    for row in [*run.by_category(results), run.by_hand(results), run.overall(results)]:
        click.echo(_line(row))
    click.echo()
    click.echo(f"{'scorer':<14}{'n':>5}{'passed':>8}{'rate':>8}   95 % interval")
    for row in run.by_scorer(results):
        click.echo(_line(row))
    click.echo()
    p50, p99 = run.percentile(results, 0.5), run.percentile(results, 0.99)
    click.echo(f"latency p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def _line(row: Row) -> str:
    low, high = row.interval
    return f"{row.name:<14}{row.total:>5}{row.passed:>8}{row.rate:>8.1%}   {low:.1%} - {high:.1%}"


def _print_failures(results: list[Result], limit: int) -> None:
    for result in [item for item in results if not item.passed][:limit]:
        click.echo(f"\n{result.case.id}  {' >> '.join(result.case.messages)}")
        for failed in result.failures:
            click.echo(f"  {failed.name}: {failed.detail}")
        said = str(result.answer.get("answer", "")).strip().replace("\n", "\n  | ")
        click.echo(f"  | {said}")


if __name__ == "__main__":
    command()
