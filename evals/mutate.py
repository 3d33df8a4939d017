"""Does a wrong fact in the product make its evals fail? Break facts one at a time and see.

    python -m evals.mutate [--count 120] [--seed 1]

Facts are drawn from those that the development split claims to cover: a figure that a passing case
expects and that its answer took from this fact. Each is broken alone, and only the cases that
cover it run again. Printed: the share that was caught, the survivors, the constants of formulas,
figures of the glossary, and how much of the catalogue no case covers.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from unittest import mock

from assistant.app import Assistant
from assistant.settings import Settings
from evals.dataset import Case, load
from evals.facts_broken import FORMULAS, FactName, broken, formula_broken, raised_figures
from evals.run import REGION, Result, run_case
from evals.scorers import score
from knowledge import glossary_index
from knowledge.ec2.catalogue import Catalogue

BAR = 0.95
_UNITS = {"枚": "gpu", "基": "gpu", "×": "gpu", "GPUs": "gpu", "コア": "cores", "vCPUs": "vcpu"}
"""Units of answers as the datasets write them."""
CATEGORIES = ("facts", "prices", "comparisons", "search", "availability", "cost", "compound")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was caught and return 1 below the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=120, help="catalogue facts to break")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    covered = coverage(load("dev", CATEGORIES))
    facts = sorted(fact for fact in covered if broken(fact))
    drawn = random.Random(options.seed).sample(facts, min(options.count, len(facts)))
    outcomes = {str(fact): caught(broken(fact), covered[fact]) for fact in drawn}
    outcomes |= formulas_caught(load("dev", ("cost", "facts")))
    outcomes |= glossary_caught(load("dev", ("concepts",)))
    survivors = [name for name, found in outcomes.items() if not found]
    rate = 1 - len(survivors) / len(outcomes)
    print_line(f"{len(facts)} facts covered by the development split; {len(outcomes)} broken")
    print_line(f"caught {rate:.1%}  bar >= {BAR:.0%}  {'ok' if rate >= BAR else 'MISSED'}")
    for name in survivors:
        print_line(f"  survived: {name}")
    for line in uncovered(facts):
        print_line(line)
    return 0 if rate >= BAR else 1


def coverage(cases: Sequence[Case]) -> dict[FactName, list[Case]]:
    """Return, by fact, the passing cases that expect its value and whose answer used it."""
    assistant = fresh(None)
    found: dict[FactName, list[Case]] = defaultdict(list)
    for case in cases:
        result = run_case(assistant, case)
        if result.passed:
            for fact in set(_expected_facts(result)):
                found[fact].append(case)
    return dict(found)


def _expected_facts(result: Result) -> Iterable[FactName]:
    """Yield the facts that alone can satisfy an expected figure of the case.

    The scorers do not tell whose figure it is: a value that two facts of the answer share is
    expected of neither.
    """
    for figure in result.case.expect.figures:
        amounts = [(amount.value, amount.unit.lower()) for amount in (figure, *figure.also)]
        facts = {
            FactName.parse(shown["source"])
            for shown in result.answer.get("figures", [])
            if any(_shows(shown, *amount) for amount in amounts)
        }
        if len(facts) == 1:
            yield facts.pop()


def _shows(shown: dict[str, Any], value: float, unit: str) -> bool:
    found = _UNITS.get(shown["unit"], str(shown["unit"]).lower())
    return found == unit and abs(float(shown["value"]) - value) <= 0.005 * abs(value)


def caught(catalogue: Catalogue | None, cases: Sequence[Case]) -> bool:
    """Whether at least one case fails with this catalogue."""
    assistant = fresh(catalogue)
    return any(not run_case(assistant, case).passed for case in cases)


def formulas_caught(cases: Sequence[Case]) -> dict[str, bool]:
    """Return, by constant, whether a case fails while it is wrong."""
    right = [case for case in cases if run_case(fresh(None), case).passed]
    found: dict[str, bool] = {}
    for module, name, value in FORMULAS:
        with formula_broken(module, name, value):
            found[f"formula {module}.{name} = {value}"] = caught(None, right)
    return found


def glossary_caught(cases: Sequence[Case]) -> dict[str, bool]:
    """Break the figures of each entry whose figures a case expects; return what was caught."""
    assistant = fresh(None)
    found: dict[str, bool] = {}
    for case in cases:
        result = run_case(assistant, case)
        raised = result.answer | {"answer": raised_figures(str(result.answer.get("answer", "")))}
        if all(item.passed for item in score(raised, case) if item.name in ("names", "figures")):
            continue  # no figure is expected
        cited = result.answer.get("citations", [])
        entry = str(cited[0]["id"]).partition("#")[0] if cited else ""
        if result.passed and glossary_index.load_glossary().get(entry):
            found[f"glossary {entry}"] = _entry_caught(entry, case)
    return found


def _entry_caught(entry: str, case: Case) -> bool:
    right = glossary_index.entry_chunks

    def wrong(head: glossary_index.Head, body: str) -> list[glossary_index.Chunk]:
        return right(head, raised_figures(body) if head.id == entry else body)

    rows = glossary_index.load_glossary()._rows  # pyright: ignore[reportPrivateUsage]
    row = rows[entry]
    changed = row | {"summary": raised_figures(row["summary"])}
    with mock.patch.object(glossary_index, "entry_chunks", wrong):
        with mock.patch.dict(rows, {entry: changed}):
            return not run_case(fresh(None), case).passed


def uncovered(facts: Sequence[FactName]) -> list[str]:
    """Return, by attribute, how many subjects no case covers."""
    catalogue = Catalogue()
    names = {fact.subject for fact in facts}
    types = [name for name, item in catalogue.types.items() if item.listed]
    missing = [name for name in types if name not in names]
    gpus = [key for key in catalogue.gpus if key not in names]
    return [
        f"types without a covered figure: {len(missing)} of {len(types)}",
        f"GPUs without a covered figure: {len(gpus)} of {len(catalogue.gpus)} ({', '.join(gpus)})",
    ]


def fresh(catalogue: Catalogue | None) -> Assistant:
    """Return an assistant that keeps nothing, over this catalogue."""
    return Assistant(Settings(region=REGION, log=False), catalogue=catalogue or Catalogue())


def print_line(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
