"""Writes one self-contained HTML report, in Japanese."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from evals import run
from evals.dataset import Case
from evals.run import Result, Row

CATEGORIES = {
    "facts": "事実",
    "comparisons": "比較",
    "search": "検索",
    "premises": "前提の確認",
    "availability": "提供リージョン",
    "prices": "料金",
    "abstention": "回答を控える",
    "english": "英語",
    "noisy": "表記ゆれ",
    "multi_turn": "会話の続き",
    "injection": "指示の混入",
    "compound": "複合質問",
    "cost": "費用の計算",
    "concepts": "用語と考え方",
    "sizing": "サイジング",
    "generation": "コード生成",
    "recommendation": "おすすめ",
}
SCORERS = {
    "figures": "数値",
    "names": "名称",
    "forbidden": "禁止表現なし",
    "abstention": "回答可否",
    "verdict": "正誤の判定",
    "tools": "使った道具",
    "artifact": "ファイルの添付",
    "language": "言語",
    "citation": "出典",
    "support": "裏付けのない数値なし",
    "form": "書式",
    "crash": "異常終了",
}
STYLE = """
body{font:15px/1.7 system-ui,"Hiragino Sans","Noto Sans JP",sans-serif;max-width:60rem;
margin:2rem auto;padding:0 1rem;color:#1f2328;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0 2rem}
th,td{padding:.35rem .6rem;border-bottom:1px solid #d8dee4;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}
tr.low td{color:#b3261e;font-weight:600}
.bar{position:relative;height:.7rem;min-width:10rem;background:#e8ebef;border-radius:3px}
.bar i{position:absolute;top:0;bottom:0;background:#2f6f4f;border-radius:3px}
.bar b{position:absolute;top:.28rem;height:.14rem;background:#1f2328}
details{border:1px solid #d8dee4;border-radius:6px;padding:.5rem 1rem;margin:.5rem 0}
pre{white-space:pre-wrap;background:#f6f8fa;padding:.7rem;border-radius:6px}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}
pre,.bar{background:#21262d}.bar b{background:#e6edf3}tr.low td{color:#ff8a80}}
"""


def render(results: Sequence[Result], *, split: str, model: str, details: bool) -> str:
    """Give the page; `details` lists the failed cases."""
    when = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    p50, p99 = run.percentile(results, 0.5), run.percentile(results, 0.99)
    total = run.overall(results)
    parts = [
        f"<h1>ask 評価レポート</h1><p>{when}、分割 {escape(split)}、モデル {escape(model)}</p>",
        f"<p>全 {total.total} 問中 {total.passed} 問合格({total.rate:.1%})。"
        f"応答時間は中央値 {p50:.1f} ms、99 パーセンタイル {p99:.1f} ms。</p>",
        "<h2>カテゴリー別</h2>",
        _category_table(results),
        "<h2>採点項目別</h2>",
        _table([(SCORERS.get(r.name, r.name), r, False) for r in run.by_scorer(results)]),
        _failures(results) if details else "<p>このレポートに不合格の内訳は載せていません。</p>",
    ]
    head = f'<meta charset="utf-8"><title>ask 評価レポート</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="ja"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _category_table(results: Sequence[Result]) -> str:
    bars = run.read_thresholds()
    rows = [
        (CATEGORIES.get(row.name, row.name), row, row.rate < bars.of(row.name))
        for row in run.by_category(results)
    ]
    by_hand = ("うち手書きの質問", run.by_hand(results), False)
    total = run.overall(results)
    return _table([*rows, by_hand, ("全体", total, total.rate < bars.overall)])


def _table(rows: Sequence[tuple[str, Row, bool]]) -> str:
    body = "".join(_row(label, row, low) for label, row, low in rows)
    head = "<tr><th></th><th>合格 / 問</th><th>合格率</th><th>95 % 信頼区間</th><th></th></tr>"
    return f"<table>{head}{body}</table>"


def _row(label: str, row: Row, low: bool) -> str:
    start, end = row.interval
    bar = (
        f'<div class="bar"><i style="left:0;width:{row.rate:.1%}"></i>'
        f'<b style="left:{start:.1%};width:{end - start:.1%}"></b></div>'
    )
    return (
        f"<tr{' class=low' if low else ''}><td>{escape(label)}</td>"
        f'<td class="n">{row.passed} / {row.total}</td><td class="n">{row.rate:.1%}</td>'
        f'<td class="n">{start:.1%} – {end:.1%}</td><td>{bar}</td></tr>'
    )


def _failures(results: Sequence[Result]) -> str:
    failed = [result for result in results if not result.passed]
    if not failed:
        return "<h2>不合格</h2><p>ありません。</p>"
    return f"<h2>不合格({len(failed)} 問)</h2>{''.join(map(_failure, failed))}"


def _failure(result: Result) -> str:
    question = escape(" → ".join(result.case.messages))
    reasons = "".join(
        f"<li>{SCORERS.get(item.name, item.name)}: {escape(item.detail)}</li>"
        for item in result.failures
    )
    answer = escape(str(result.answer.get("answer", "")))
    return (
        f"<details><summary>{escape(result.case.id)} {question}</summary><ul>{reasons}</ul>"
        f"<p>期待: {escape(_expected(result.case))}</p><pre>{answer}</pre></details>"
    )


def _expected(case: Case) -> str:
    expect = case.expect
    parts = [f"{figure.value:g} {figure.unit}" for figure in expect.figures]
    parts += [" または ".join(group) for group in expect.names]
    if expect.verdict:
        parts.append("前提は正しい" if expect.verdict == "yes" else "前提は誤り")
    if expect.abstain:
        parts.append("回答を控える")
    return "、".join(parts)
