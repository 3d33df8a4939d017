"""How long a user of `ask web` waits, measured in Chromium against a real server.

    python benchmarks/web.py [--rounds 3]

Bars: the first step is visible within 300 ms after sending, the answer complete within 1 s.
Times run from the press of Enter until the page holds what the server sent; what the page draws by
itself while it waits does not count.
"""

from __future__ import annotations

import argparse
import statistics

from playwright.sync_api import Page, sync_playwright
from web_server import serving

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
)
BARS_MS = {"first": 300, "complete": 1000}
QUESTIONS = (
    "G5とG4dnの違いは?",
    "g5.xlargeの料金は?",
    "バージニア北部だと?",
    "GPU メモリ 80 GB 以上のインスタンスは?",
    "g5.xlargeを2台、1日8時間・月20日で3か月使うといくら?",
    "LoRAとQLoRAの違いは?",
    "EFAとは?",
    "p4d.24xlargeとp5.48xlargeを比較",
    "H100を1枚だけ使えるインスタンスは?",
    "大阪で使えるGPUは?",
)
WATCH = """
() => {
  const log = document.querySelector('.log');
  window.timed = {};
  new MutationObserver(() => {
    const last = log.querySelector('article:last-child');
    if (!last || !last.dataset.key || window.before === last.dataset.key) return;
    const now = performance.now();
    window.timed.first ??= now;
    if (last.dataset.done === 'true') window.timed.complete ??= now;
    if (last.querySelector('.chart')) window.timed.picture ??= now;
  }).observe(log, {subtree: true, childList: true, attributes: true});
  document.querySelector('#ask-input').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    const last = log.querySelector('article:last-child');
    window.before = last ? last.dataset.key : null;
    window.timed = {sent: performance.now()};
  }, {capture: true});
}
"""


def ask(page: Page, question: str) -> dict[str, float]:
    """Return the milliseconds until the first step, the whole answer and its picture."""
    page.fill("#ask-input", question)
    page.press("#ask-input", "Enter")
    page.wait_for_function("window.timed.complete !== undefined")
    page.wait_for_timeout(400)
    timed: dict[str, float] = page.evaluate("window.timed")
    return {name: at - timed["sent"] for name, at in timed.items() if name != "sent"}


def measure(rounds: int) -> dict[str, list[float]]:
    """Return all times by what was waited for."""
    found: dict[str, list[float]] = {"first": [], "complete": [], "picture": []}
    with serving() as server, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        for number in range(rounds + 1):
            page = browser.new_context(locale="ja-JP").new_page()
            page.goto(server.url)
            page.wait_for_selector("#ask-input")
            page.evaluate(WATCH)
            for question in QUESTIONS:
                times = ask(page, question)
                if number:  # the first round warms up
                    for name, value in times.items():
                        found[name].append(value)
            page.context.close()
        browser.close()
    return found


def main() -> None:
    """Print medians and 95th percentiles beside the bars."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    found = measure(parser.parse_args().rounds)
    print(f"{'ms':<10} {'p50':>7} {'p95':>7} {'max':>7} {'bar':>6}   n")
    for name, values in found.items():
        p95 = statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
        bar = BARS_MS.get(name, "")
        row = f"{statistics.median(values):>7.0f} {p95:>7.0f} {max(values):>7.0f} {bar:>6}"
        print(f"{name:<10} {row}   {len(values)}")


if __name__ == "__main__":
    main()
