"""The page: languages, themes, phones, keyboards, screen readers, and servers that go away."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # pyright: ignore[reportMissingTypeStubs]
from browsing import Site, Trying, Visit, free_port, start
from playwright.sync_api import Page, expect

from assistant.settings import Settings

TABS = ("チャット", "比較", "料金", "ナレッジ")


def violations(page: Page) -> list[str]:
    """Return what axe-core calls serious or critical."""
    axe: Any = Axe()
    found: list[dict[str, Any]] = axe.run(page).response["violations"]
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:200]}"
        for item in found
        if item["impact"] in ("serious", "critical")
    ]


def test_the_other_language_is_one_click_away(chat: Visit) -> None:
    expect(chat.page.locator("html")).to_have_attribute("lang", "ja")
    chat.page.get_by_role("link", name="English").click()
    expect(chat.page.locator("html")).to_have_attribute("lang", "en")
    expect(chat.page.get_by_role("tab", name="Compare")).to_be_visible()
    answer = chat.ask("What is the difference between G5 and G4dn?")
    expect(answer).to_contain_text("bf16")
    expect(answer.get_by_role("button", name="Helpful", exact=True)).to_be_visible()


def test_changing_the_language_keeps_the_state_of_a_tab(visit: Callable[..., Visit]) -> None:
    page = visit().open("/?tab=compare&names=g5.xlarge,g6.xlarge")
    expect(page.get_by_role("columnheader", name="g6.xlarge")).to_be_visible()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("row", name="GPU memory bandwidth")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/en/"])
def test_no_words_of_the_other_language_are_left(visit: Callable[..., Visit], path: str) -> None:
    """Gradio's own words follow the page, whatever the browser speaks."""
    found = visit(locale="en-US" if path == "/" else "ja-JP")
    page = found.open(path)
    for number in range(page.get_by_role("tab").count()):
        page.get_by_role("tab").nth(number).click()
        page.wait_for_timeout(200)
        shown = page.locator("main").inner_text()
        if path == "/":
            assert "Drop File" not in shown and "Click to" not in shown
        else:
            japanese = [c for c in shown.replace("日本語", "") if "\u3040" <= c <= "\u30ff"]
            assert japanese == []


def test_dark_follows_the_system_and_the_button(visit: Callable[..., Visit]) -> None:
    found = visit(color_scheme="dark")
    page = found.open()
    expect(page.locator("body")).to_have_class("dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="明暗の切り替え").click()
    page.wait_for_timeout(400)
    assert page.evaluate(background) != dark
    page.reload()
    page.wait_for_selector("#ask-input")
    assert page.evaluate(background) != dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screen_readers_find_no_serious_fault(visit: Callable[..., Visit], scheme: str) -> None:
    found = visit(color_scheme=scheme)
    page = found.open()
    page.wait_for_timeout(300)
    assert violations(page) == []
    answer = found.ask("G5とG4dnの違いは?")
    expect(answer.locator(".chart svg")).to_be_visible()
    answer.get_by_role("button", name="役に立たなかった").click()
    assert violations(page) == []
    for name, run in (("比較", "比較する"), ("料金", "計算する"), ("ナレッジ", "")):
        page.get_by_role("tab", name=name).click()
        if run:
            page.get_by_role("button", name=run, exact=True).click()
            expect(page.locator(".result:visible svg").first).to_be_visible()
        page.mouse.move(0, 0)
        page.wait_for_timeout(700)  # until nothing fades any more
        assert violations(page) == [], name


def test_a_phone_shows_everything_without_scrolling_sideways(visit: Callable[..., Visit]) -> None:
    found = visit(width=375, height=740, is_mobile=True, has_touch=True)
    page = found.open()
    answer = found.ask("G5とG4dnの違いは?")
    expect(answer.locator(".chart svg")).to_be_visible()
    for name in TABS:
        if not page.get_by_role("tab", name=name).is_visible():
            page.get_by_label("More tabs").click()
            page.get_by_role("button", name=name).last.click()
        else:
            page.get_by_role("tab", name=name).click()
        page.wait_for_timeout(200)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 1, name


def test_the_keyboard_alone_asks_votes_and_opens_a_source(chat: Visit) -> None:
    page = chat.page
    page.locator("a.skip").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#ask-input")).to_be_focused()
    page.keyboard.type("EFAとは?")
    page.keyboard.press("Enter")
    article = page.locator("article[data-done=true]")
    expect(article).to_be_visible()
    seen: list[str] = []
    page.keyboard.press("Shift+Tab")  # from the box back to the last action of the answer
    for _ in range(14):
        seen.append(
            page.evaluate("document.activeElement.dataset.act || document.activeElement.className")
        )
        if seen[-1] == "up":
            page.keyboard.press("Enter")
        if seen[-1] == "chip":
            page.keyboard.press("Enter")
            expect(page.locator(".card").last).to_be_visible()
            page.keyboard.press("Escape")
            break
        page.keyboard.press("Shift+Tab")
    assert "up" in seen and "chip" in seen
    expect(article.locator("[data-act=up]")).to_have_attribute("aria-pressed", "true")


def test_the_health_endpoint_answers(site: Site) -> None:
    with urllib.request.urlopen(site.url + "/healthz") as reply:
        assert json.load(reply)["status"] == "ok"


def test_nothing_is_fetched_from_elsewhere(visit: Callable[..., Visit]) -> None:
    found = visit()
    asked: list[str] = []
    found.page.on("request", lambda request: asked.append(request.url))
    found.open()
    found.ask("G5とG4dnの違いは?")
    foreign = [u for u in asked if not u.startswith((found.url, "data:", "blob:"))]
    assert foreign == []


def test_a_conversation_goes_on_when_the_server_is_back(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    settings, port = Settings(data_dir=tmp_path / "kept"), free_port()
    first = start(Trying(settings), port)
    found = visit(url=f"http://127.0.0.1:{port}")
    found.open()
    found.ask("g5.xlargeの料金は?")
    first.end()
    second = start(Trying(settings), port)
    expect(found.ask("バージニア北部だと?")).to_contain_text("1.006")
    second.end()
