"""Takes the pictures of the README again: python benchmarks/screenshots.py (needs Chromium)."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from web_server import serving

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
COMPARE = "?tab=compare&names=g5.xlarge,g6.xlarge,g6e.xlarge"
COST = (
    "?tab=cost&jpy=150@2026-11-20&lines="
    "g5.xlarge*2*8*20*3*on-demand;g6.xlarge*2*8*20*3*on-demand;g6e.xlarge*1*8*20*3*on-demand"
)
SIZING = "?tab=sizing&model=llama-3-8b&method=qlora"


def ask(page: Page, *questions: str) -> None:
    """Ask and wait for the pictures, too."""
    for question in questions:
        done = page.locator("article[data-done=true]").count()
        page.fill("#ask-input", question)
        page.press("#ask-input", "Enter")
        page.locator("article[data-done=true]").nth(done).wait_for()
        page.wait_for_timeout(1500)


def chat(page: Page) -> None:
    """Show a conversation about costs."""
    ask(page, "LoRAとQLoRAの違いは?", "g5.xlargeとg6.xlargeの1か月の料金を比較")
    page.evaluate("document.querySelector('.scroll').scrollTop = 1e6")


def difference(page: Page) -> None:
    """Show a comparison in the chat."""
    ask(page, "G5とG4dnの違いは?")


def code(page: Page) -> None:
    """Show generated code."""
    page.get_by_role("tab", name="コード生成").click()
    page.get_by_label("モデル", exact=True).locator("visible=true").fill("gpt2-xl")
    page.get_by_role("button", name="生成する").click()
    page.locator("#bundle-zip:visible").wait_for(timeout=60_000)
    page.wait_for_timeout(1500)
    page.locator("#bundle-zip").scroll_into_view_if_needed()
    page.evaluate("window.scrollTo(0, document.querySelector('#bundle-zip').offsetTop + 560)")


def nothing(page: Page) -> None:
    """Wait for what the address asked for."""
    page.locator(".result:visible .md").first.wait_for(timeout=60_000)
    page.wait_for_timeout(800)


def take(
    browser: Browser,
    url: str,
    name: str,
    act: Callable[[Page], None],
    *,
    size: tuple[int, int] = (1280, 860),
    dark: bool = False,
) -> None:
    """Write one picture, in few colours."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="ja-JP",
        color_scheme="dark" if dark else "light",
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#ask-input", state="attached")
    act(page)
    page.mouse.move(0, 0)
    page.wait_for_timeout(700)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(128).save(FOLDER / f"{name}.png", optimize=True)
    context.close()


def main() -> None:
    """Take all pictures."""
    with serving() as server, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        url = server.url + "/"
        take(browser, url, "chat", chat)
        take(browser, url, "chat-dark", difference, dark=True)
        take(browser, url, "chat-phone", chat, size=(390, 800))
        take(browser, url + COMPARE, "compare", nothing)
        take(browser, url + COST, "cost", nothing)
        take(browser, url + SIZING, "sizing", nothing, size=(1280, 1100))
        take(browser, url, "code", code)
        browser.close()


if __name__ == "__main__":
    main()
