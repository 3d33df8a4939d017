"""The number lock against lies: what it claims to catch never passes, and honest sentences do.

Three sources of lies: the planner's own texts with one figure changed (lies.py), sentences in the
styles of language models with figures of other things (sentences.py), and tricks of notation. What
the lock does not claim to catch is listed at the end, so that a change there is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

import pytest

from assistant.grounding import FactIndex, NumberLock, Verdict
from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue, load_catalogue
from tests.assistant.cases import Honest, honest_answers
from tests.assistant.conftest import Tally
from tests.assistant.lies import MUTATIONS, Lie, tell
from tests.assistant.sentences import SUBJECTS, TEMPLATES, Sentence, described, sentences
from tools.glossary import GlossaryResult, Passage

SEED = 20261123
CATALOGUE = load_catalogue()
ANSWERS = honest_answers(CATALOGUE)
LOCK = NumberLock(CATALOGUE)
Check = Callable[..., Verdict]


def judged(honest: Honest, text: str) -> Verdict:
    return LOCK.check(text, honest.results, quoted=honest.quoted, question=honest.question)


SOUND = [honest for honest in ANSWERS if judged(honest, honest.text).passed]


def lies(kind: str) -> list[Lie]:
    return [lie for honest in SOUND for lie in tell(kind, MUTATIONS[kind], honest, SEED, CATALOGUE)]


@pytest.fixture
def check(catalogue: Catalogue, runner: ToolRunner) -> Check:
    """The verdict on a text about SUBJECTS, priced for Tokyo."""
    results = [described(runner)]
    return partial(LOCK.check, results=results)


# -- the planner's texts -------------------------------------------------------------------------


def test_honest_answers_pass(tallies: list[Tally]) -> None:
    """At most one answer in a hundred may lose a sentence to the lock."""
    tally = Tally("honest figures of the planner that the lock blocks")
    for honest in ANSWERS:
        verdict = judged(honest, honest.text)
        for figure in verdict.figures:
            tally.count("figure", figure.text, wrong=False)
        for mention in verdict.unsupported:
            tally.count("figure", f"{mention.text}: {mention.segment}", wrong=True)
        assert verdict.unknown_names == []
    tallies.append(tally)
    assert tally.wrong["figure"] <= tally.judged["figure"] / 500


@pytest.mark.parametrize("honest", ANSWERS, ids=lambda honest: honest.question)
def test_an_honest_answer_has_figures_or_states_none(honest: Honest) -> None:
    """The lock sees the figures of every answer that has a table."""
    if "\n|---|" in honest.text:
        assert judged(honest, honest.text).figures


def test_there_are_enough_lies() -> None:
    told = {kind: len(lies(kind)) for kind in MUTATIONS}
    assert sum(told.values()) >= 500
    assert min(told.values()) >= 8, told


@pytest.mark.parametrize("kind", MUTATIONS)
def test_no_lie_made_from_a_planners_answer_passes(kind: str, tallies: list[Tally]) -> None:
    tally = Tally(f"lies shown, {kind}")
    for lie in lies(kind):
        passed = judged(lie.honest, lie.text).passed
        tally.count(kind, f"{lie.before} -> {lie.after}", wrong=passed)
    tallies.append(tally)
    assert not tally.wrong, "\n".join(tally.lines())


def test_the_verdict_names_the_changed_figure() -> None:
    """Nothing but the changed line is unsupported."""
    for kind in ("double", "swapped cells", "price of another region"):
        for lie in lies(kind):
            blocked = judged(lie.honest, lie.text).unsupported
            segments = {mention.segment.strip("| ") for mention in blocked}
            changed = lie.after.strip("| ")
            assert segments
            assert all(segment in changed for segment in segments), (lie.after, segments)


# -- sentences of language models ----------------------------------------------------------------

BLIND = {
    "glued to a Latin word": "a number right after a Latin letter is read only with a measure",
}
PATTERNS = [
    pytest.param(name, marks=pytest.mark.xfail(reason=BLIND[name])) if name in BLIND else name
    for name in TEMPLATES
]


@pytest.fixture(scope="module")
def written(runner: ToolRunner) -> list[Sentence]:
    """All sentences."""
    return list(sentences(runner))


@pytest.mark.parametrize("template", PATTERNS)
def test_a_false_sentence_does_not_pass(
    template: str, written: list[Sentence], check: Check, tallies: list[Tally]
) -> None:
    tally = Tally(f"false sentences shown, {template}")
    for sentence in written:
        if sentence.template == template and not sentence.true:
            tally.count(template, sentence.text, wrong=check(sentence.text).passed)
    tallies.append(tally)
    assert sum(tally.judged.values()) > 100
    assert not tally.wrong, "\n".join(tally.lines())


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_true_sentence_passes(template: str, written: list[Sentence], check: Check) -> None:
    for sentence in written:
        if sentence.template == template and sentence.true:
            assert check(sentence.text).passed, sentence.text


# -- tricks of notation --------------------------------------------------------------------------

NOT_READ = "the number is not read as a figure"
PER_GPU = "the price per GPU of a type with one GPU has no region and no term, and equals its price"
COUNTS = "the two counts of a search (all matches, shown matches) are not told apart"


@pytest.mark.parametrize(
    "lie",
    [
        "g5.2xlarge のメモリは ６４ GiB です。",
        "g5.2xlarge のメモリは 6万4千 GiB です。",
        "g5.2xlarge のメモリは 32万 GiB です。",
        "g5.2xlarge のメモリは 0.032 TiB、つまり 64 GiB です。",
        "g5.2xlarge のメモリは 64,000 MiB です。",
        "g5.2xlarge costs $2.5 per hour.",
        "g5.2xlarge は 250円/時です。",
        "g5.2xlarge は 1 時間 250 円です。",
        "g5.2xlarge は g4dn.12xlarge の 3 倍のメモリです。",
        "g5.2xlarge は A10G × 4 です。",
        "g5.2xlarge は A10G ×4 です。",
        "g5.2xlarge は vCPU 16 です。",
        "p5.48xlarge のスポットは 68.8 USD/時 です。",
        "バージニア北部では p5.48xlarge が 68.8 USD/時 です。",
        "g5.2xlarge と g5.9xlarge があります。",
        "G5.9XLARGE もあります。",
        "p5.48xlarge は H100(141 GB)を 8 基積みます。",
        "p5.48xlarge has eight H100 with 141 GB each.",
        "g5.2xlargeのGPUメモリは48GBです。",
        "g5.2xlarge は VRAM48GB です。",
        "メモリ64GiBのg5.2xlarge",
        "g5.2xlarge のメモリは 32-64 GiB",
        "g5.2xlarge のメモリは `64 GiB`。",
        "g5.2xlarge/64 GiB",
        "g5.2xlarge のスポットは 1.75776 USD/時 です。",
        "バージニア北部では g5.2xlarge が 1.75776 USD/時です。",
        "g5.2xlarge のネットワークは最大 5 Gbps です。",
        "g5.2xlarge のメモリは六十四 GiB です。",
        "g5.2xlarge のメモリは 6 十 4 GiB です。",
        "g5.2xlarge has sixty-four GiB of memory.",
        "g5.2xlarge は p5.48xlarge と同じ 2,048 GiB のメモリです。",
        "g5.2xlarge も p5.48xlarge も 2,048 GiB のメモリです。",
        "| 項目 | g5.2xlarge |\n|---|---|\n| GPU メモリ(9 基) | 24 GB |",
        "g5.2xlarge のメモリは p5.48xlarge の半分です。",
        "g5.2xlarge のメモリは p5.48xlarge の 3 分の 1 です。",
        "g5.2xlarge は 1.75776 セントです。",
        "g5.2xlarge のメモリは 32 です。",
        "g5.2xlarge のメモリは 32〜96 GiB です。",
        "g5.2xlarge は 1万7,577 USD/時です。",
        "後継の g9z.xlarge もあります。",
        "後継の g9z もあります。",
    ],
)
def test_a_trick_of_notation_does_not_pass(lie: str, check: Check) -> None:
    assert not check(lie).passed


@pytest.mark.parametrize(
    "truth",
    [
        "g5.2xlarge のメモリは ３２ GiB です。",
        "g5.2xlarge のメモリは 0.03125 TiB です。",
        "g5.2xlarge の GPU メモリは 24 GB(API 表記 22.4 GiB)です。",
        "p5.48xlarge のメモリは 2 TiB です。",
        "p5.48xlarge のネットワークは 3.2 Tbps です。",
        "p5.48xlarge のネットワークは 3,200 Gbps です。",
        "g5.2xlarge は東京のオンデマンドで $1.75776 です。",
        "G5.2XLARGE のメモリは 32 GiB です。",
        "g5.2xlarge は A10G × 1 です。",
        "p5.48xlarge は 8 GPU です。",
        "FP8 や bf16、FlashAttention-2、NVLink 4 は数字ではありません。",
        "2026-11-23 時点、出典 [1] [2] です。",
        "g5.2xlarge は使えます。",
        "",
    ],
)
def test_the_truth_passes_in_any_notation(truth: str, check: Check) -> None:
    assert check(truth).passed, [m.text for m in check(truth).unsupported]


@pytest.mark.xfail(reason=COUNTS)
def test_the_counts_of_a_search_are_told_apart(runner: ToolRunner) -> None:
    result = runner.run("find_instances", {"series": ["G"]})
    truth = LOCK.check("条件に合うのは 60 件です。", [result])
    shown = LOCK.check("条件に合うのは 10 件です。", [result])
    assert not (shown.passed and truth.passed)
    assert not shown.passed


def test_a_real_name_that_no_result_is_about_supports_no_figure(check: Check) -> None:
    """The catalogue knows g6.xlarge, but no tool looked it up: its figures have no source here."""
    assert check("g6.xlarge も候補です。").passed
    assert not check("g6.xlarge のメモリは 16 GiB です。").passed


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("料金は 1999-01-01 時点です。", False),
        ("料金は 2026年2月1日時点です。", True),
        ("料金は 2026/02/01 時点です。", True),
        ("料金は 2025年の値です。", False),
        ("g5.2xlarge の GPU は T4 です。", False),
        ("g5.2xlarge は A10G を搭載します。", True),
        ("g5.2xlarge は T4 ではなく A10G を積みます。", True),
        ("G5 は T4 を搭載します。", False),
        ("1. g5.2xlarge のメモリは 32 GiB です。", True),
        ("選ぶ理由は 2 つです。2 つ目は価格です。", True),
        ("違いを 3 つの観点で見ます。", True),
        ("8 時間使うなら g5.2xlarge が候補です。", True),
        ("9 時間使うなら g5.2xlarge が候補です。", False),
        ("予算 500 USD に収まるかは estimate_cost で調べます。", True),
        ("g5.2xlarge のメモリは 64 GiB です。", False),
        ("g5.2xlarge のメモリは 64 GiB ではなく 32 GiB です。", True),
        ("g5.2xlarge のメモリは 99 GiB ではなく 32 GiB です。", False),
        ("7B〜13B 級の推論に向きます。", True),
        ("主な違いは次の 3 つです。", True),
        ("C7 世代も候補です。", True),
        ("C9x 世代も候補です。", False),
        ("GPU 間の P2P 転送は使えません。", True),
    ],
)
def test_free_text_is_held_to_days_gpus_and_inputs(
    text: str, passes: bool, runner: ToolRunner
) -> None:
    question = "g5.2xlargeを8時間、予算500ドルで使える? メモリは64GiB?"
    facts = FactIndex([described(runner)])
    reader = LOCK.reader(facts, question=question, days=[date(2026, 2, 1)])
    verdict = reader.judge(text)
    assert verdict.passed == passes, verdict


def _passage(title: str, quote: str, *, is_glossary: bool) -> GlossaryResult:
    passage = Passage(
        id=f"{title}#1", entry=title, title=title, section="", source=title, url=None, as_of=None,
        quote=quote, score=1.0, is_glossary=is_glossary,
    )  # fmt: skip
    return GlossaryResult(
        query="q", entries=(), passages=(passage,), is_definition=False, is_weak=False
    )


@pytest.mark.parametrize(
    ("text", "cited", "passes"),
    [
        ("「社内手順」によると、夜間バッチの上限は 40 台です。", (), True),
        ("夜間バッチの上限は 40 台です。", (), False),
        ("夜間バッチの上限は 40 台です。", ("社内手順#1",), False),
        ("「社内手順」によると、夜間バッチの上限は 80 台です。", (), False),
        ("「社内手順」によると、学習ジョブの保存先は 40 台です。", (), False),
        ("「社内手順」によると、g5.2xlarge のメモリは 99 GiB です。", (), False),
    ],
)
def test_a_document_supports_only_a_sentence_that_names_it(
    text: str, cited: tuple[str, ...], passes: bool, runner: ToolRunner
) -> None:
    quote = "夜間バッチの上限は 40 台とする。g5.2xlarge のメモリは 99 GiB である。"
    results = [described(runner), _passage("社内手順", quote, is_glossary=False)]
    reader = LOCK.reader(FactIndex(results), days=())
    assert reader.judge(text, cited).passed == passes


def test_a_glossary_passage_supports_a_sentence_that_cites_it() -> None:
    entry = _passage("EFA", "EFA の帯域は P5 で最大 3200 Gbps です。", is_glossary=True)
    facts = FactIndex([entry])
    text = "ここで使う帯域は P5 で 3200 Gbps です。"
    assert LOCK.reader(facts, days=()).judge(text, ("EFA#1",)).passed
    assert not LOCK.reader(facts, days=()).judge(text).passed
    assert not LOCK.reader(facts, days=()).judge(text.replace("3200", "6400"), ("EFA#1",)).passed


def test_a_figure_without_a_subject_has_no_support(check: Check) -> None:
    assert not check("メモリは 777 GiB です。").passed


def test_a_name_the_user_wrote_may_be_repeated(check: Check) -> None:
    text = "g5.9xlarge は存在しません。"
    assert check(text, question="G5.9xlargeは?").passed
    assert not check(text, question="G5は?").passed


def test_quoted_curated_sentences_pass_word_for_word_only(check: Check) -> None:
    curated = "7B 級なら 1 GPU、70B 級は 4 GPU を目安にします。"
    assert check(f"- {curated}", quoted=[curated]).passed
    assert not check(f"- {curated.replace('4', '2')}", quoted=[curated]).passed


def test_rounding_is_support_only_within_one_per_cent(check: Check) -> None:
    assert check("g5.2xlarge のオンデマンドは 1.76 USD です。").passed
    assert check("g5.2xlarge のオンデマンドは 1.758 USD です。").passed
    assert not check("g5.2xlarge のオンデマンドは 2 USD です。").passed
    assert not check("g5.2xlarge のオンデマンドは 1.77 USD です。").passed
    assert check("g5.2xlarge の GPU メモリは約 22.4 GiB です。").passed
    assert not check("g5.2xlarge の GPU メモリは約 22 GiB です。").passed  # 1.6 % off


def test_figures_carry_their_source(check: Check) -> None:
    verdict = check("g5.2xlarge のメモリは 32 GiB です。")
    assert [(f.text, f.unit, f.source) for f in verdict.figures] == [
        ("32 GiB", "GiB", "g5.2xlarge:memory_gib")
    ]


# -- what the lock does not claim ----------------------------------------------------------------


@pytest.mark.parametrize(
    "lie",
    [
        "g5.2xlarge は bf16 に対応していません。",  # yes/no facts have no number
        "g5.2xlarge は大阪でだけ使えます。",  # nor have regions
        "g5.2xlarge のほうが p5.48xlarge より高いです。",  # nor have orders
    ],
)
def test_the_lock_does_not_claim_to_see(lie: str, check: Check) -> None:
    """A change here is progress: move the lie up."""
    assert check(lie).passed


def test_the_subjects_of_these_tests_exist() -> None:
    assert set(SUBJECTS) <= set(CATALOGUE.types)
