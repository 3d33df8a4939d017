"""The chat in a real browser."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from browsing import Site, Visit
from playwright.sync_api import expect

QUESTION = "G5とG4dnの違いは?"


def test_an_answer_comes_with_steps_table_picture_and_sources(chat: Visit) -> None:
    article = chat.ask(QUESTION)
    expect(article.locator(".did summary")).to_contain_text("手順 1 件")
    expect(article.locator("table").first).to_contain_text("A10G")
    expect(article.locator(".chart svg")).to_be_visible()
    expect(article.locator(".stamp").first).to_contain_text("時点")
    assert article.locator(".chip").count() >= 3


def test_a_chip_opens_the_passage_and_escape_closes_it(chat: Visit) -> None:
    article = chat.ask("EFAとは?")
    article.locator(".chip").first.click()
    card = article.locator(".card").first
    expect(card).to_be_visible()
    expect(card.locator("blockquote")).not_to_be_empty()
    chat.page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_a_picture_has_a_table_behind_it(chat: Visit) -> None:
    article = chat.ask(QUESTION)
    article.get_by_text("表で見る").first.click()
    expect(article.locator(".chart table")).to_contain_text("600 GB/s")


def test_a_follow_up_goes_on_in_the_conversation(chat: Visit) -> None:
    chat.ask("g5.xlargeの料金は?")
    article = chat.ask("バージニア北部だと?")
    expect(article).to_contain_text("g5.xlarge")
    expect(article).to_contain_text("1.006")


def test_quick_replies_ask_the_next_question(chat: Visit) -> None:
    article = chat.ask(QUESTION)
    quick = article.locator(".quick").first
    text = quick.inner_text()
    quick.click()
    expect(chat.page.locator("article").nth(1).locator(".said")).to_have_text(text)
    expect(chat.page.locator("article").nth(1)).to_have_attribute("data-done", "true")


def test_a_question_sent_before_the_picture_of_the_last_answer_is_not_lost(chat: Visit) -> None:
    for number in range(3):
        chat.ask(f"g5.xlargeとg6.xlargeの{number + 1}か月の料金を比較")
    expect(chat.page.locator("article[data-done=true]")).to_have_count(3)
    expect(chat.page.locator("article .chart")).to_have_count(3)


def test_examples_ask_for_a_task(chat: Visit) -> None:
    chat.page.get_by_role("button", name="LoRAとQLoRAの違いは?").click()
    expect(chat.page.locator("article[data-done=true]")).to_contain_text("LoRA")


def test_stopping_ends_the_work_behind_the_page(chat: Visit, site: Site) -> None:
    site.assistant.closed.clear()
    chat.page.fill("#ask-input", "SLOW")
    chat.page.press("#ask-input", "Enter")
    expect(chat.page.locator(".steps li").first).to_be_visible()
    chat.page.get_by_role("button", name="停止").click()
    expect(chat.page.get_by_text("停止しました。")).to_be_visible()
    assert site.assistant.closed.wait(5)
    expect(chat.page.get_by_role("button", name="送信")).to_be_visible()


def test_after_a_stop_the_conversation_goes_on_where_it_was(chat: Visit) -> None:
    chat.ask("g5.xlargeの料金は?")
    chat.page.fill("#ask-input", "SLOW")
    chat.page.press("#ask-input", "Enter")
    expect(chat.page.locator(".steps li").first).to_be_visible()
    chat.page.get_by_role("button", name="停止").click()
    expect(chat.page.get_by_text("停止しました。")).to_be_visible()
    expect(chat.ask("バージニア北部だと?")).to_contain_text("g5.xlarge")


def test_a_crash_shows_a_number_and_no_detail(chat: Visit) -> None:
    article = chat.ask("CRASH")
    expect(article.locator(".problem")).to_contain_text("番号")
    assert "secret" not in chat.page.content()
    expect(chat.ask("g5.xlargeの料金は?")).to_contain_text("1.459")


def test_editing_replaces_the_question_and_what_followed(chat: Visit) -> None:
    first = chat.ask("g5.xlargeの料金は?")
    chat.ask("バージニア北部だと?")
    first.get_by_role("button", name="編集").click()
    box = first.get_by_role("textbox", name="編集")
    box.fill("g6.xlargeの料金は?")
    first.get_by_role("button", name="この内容で聞き直す").click()
    expect(chat.page.locator("article")).to_have_count(1)
    article = chat.page.locator("article[data-done=true]")
    expect(article).to_contain_text("g6.xlarge")
    expect(chat.ask("バージニア北部だと?")).to_contain_text("g6.xlarge")


def test_retrying_asks_the_same_again(chat: Visit) -> None:
    article = chat.ask("g5.xlargeの料金は?")
    before = article.get_attribute("data-answer")
    article.get_by_role("button", name="再試行").click()
    expect(chat.page.locator("article[data-done=true]")).to_have_count(1)
    assert chat.page.locator("article").get_attribute("data-answer") != before


def test_copying_gives_markdown(chat: Visit) -> None:
    article = chat.ask(QUESTION)
    article.locator(".a").get_by_role("button", name="コピー").click()
    expect(chat.page.get_by_text("コピーしました")).to_be_visible()
    copied: str = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("**") and "| 項目 |" in copied and "出典" in copied


def test_an_answer_has_a_link_that_others_can_open(
    chat: Visit, visit: Callable[..., Visit]
) -> None:
    article = chat.ask(QUESTION)
    article.get_by_role("button", name="リンク").click()
    link: str = chat.page.evaluate("navigator.clipboard.readText()")
    other = visit()
    other.open(link.removeprefix(other.url))
    expect(other.page.locator("article")).to_contain_text("A10G")
    expect(other.page.get_by_text("共有された回答")).to_be_visible()
    other.page.fill("#ask-input", "c6i.4xlargeの料金は?")
    other.page.press("#ask-input", "Enter")
    expect(other.page.locator("article")).to_have_count(1)  # a conversation of its own
    expect(other.page.locator("article[data-done=true]")).to_contain_text("c6i.4xlarge")


def test_a_vote_with_its_reason_is_kept(chat: Visit, site: Site) -> None:
    article = chat.ask("g5.xlargeの料金は?")
    article.get_by_role("button", name="役に立たなかった").click()
    article.get_by_role("button", name="情報が古い").click()
    expect(chat.page.get_by_text("評価を受け付けました")).to_be_visible()
    expect(article.locator("[data-act=down]")).to_have_attribute("aria-pressed", "true")
    answer = article.get_attribute("data-answer")
    chat.page.wait_for_timeout(300)
    votes = [v for v in site.assistant.votes.list() if v.answer_id == answer]
    assert [(v.vote, v.reason, v.front) for v in votes] == [("down", "情報が古い", "web")]


def test_history_is_kept_in_the_browser_and_opens_again(chat: Visit) -> None:
    chat.ask("g5.xlargeの料金は?")
    chat.page.get_by_role("button", name="新しい会話").click()
    expect(chat.page.get_by_role("heading", name="何を調べますか?")).to_be_visible()
    chat.ask("EFAとは?")
    chat.page.get_by_role("button", name="g5.xlargeの料金は?", exact=True).click()
    expect(chat.page.locator("article")).to_have_count(1)
    expect(chat.page.locator("article")).to_contain_text("1.459")
    expect(chat.ask("バージニア北部だと?")).to_contain_text("1.006")


def test_a_reload_keeps_the_conversation(chat: Visit) -> None:
    chat.ask("g5.xlargeの料金は?")
    chat.page.reload()
    expect(chat.page.locator("article")).to_contain_text("1.459")
    expect(chat.ask("バージニア北部だと?")).to_contain_text("1.006")


def test_a_conversation_is_saved_as_markdown_and_json(chat: Visit, tmp_path: Path) -> None:
    chat.ask(QUESTION)
    kinds: dict[str, Callable[[str], Any]] = {"Markdown": str, "JSON": json.loads}
    for name, read in kinds.items():
        with chat.page.expect_download() as waiting:
            chat.page.get_by_role("button", name=f"{name} で保存").click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        made = read(path.read_text("utf-8"))
        assert "A10G" in str(made)
        if name == "JSON":
            assert made["answers"][0]["question"] == QUESTION


def test_two_users_never_see_each_other(visit: Callable[..., Visit]) -> None:
    first, second = visit(), visit()
    first.open()
    second.open()
    first.ask("g5.xlargeの料金は?")
    second.ask("c6i.4xlargeの料金は?")
    expect(second.page.locator("article")).to_have_count(1)
    assert "g5.xlarge の" not in second.page.locator(".log").inner_text()
    expect(first.ask("バージニア北部だと?")).to_contain_text("g5.xlarge")
    expect(second.ask("バージニア北部だと?")).to_contain_text("c6i.4xlarge")
    assert second.page.locator(".threads li").count() == 1


def test_what_a_user_types_never_becomes_markup(chat: Visit) -> None:
    chat.page.evaluate("window.hacked = false")
    evil = "<img src=x onerror='window.hacked=true'> の料金は? $1~2$ **「太字」**です"
    article = chat.ask(evil)
    expect(article.locator(".said")).to_have_text(evil)
    chat.page.reload()
    expect(chat.page.locator("article .said")).to_have_text(evil)
    assert not chat.page.evaluate("window.hacked === true")


def test_enter_while_converting_japanese_sends_nothing(chat: Visit) -> None:
    chat.page.fill("#ask-input", "へんかんちゅう")
    chat.page.evaluate(
        "document.querySelector('#ask-input').dispatchEvent(new KeyboardEvent('keydown', "
        "{key: 'Enter', bubbles: true, cancelable: true, isComposing: true}))"
    )
    assert chat.page.locator("article").count() == 0
    chat.page.press("#ask-input", "Shift+Enter")
    assert "\n" in chat.page.input_value("#ask-input")


def test_answer_ids_are_shown(chat: Visit) -> None:
    article = chat.ask("g5.xlargeの料金は?")
    assert re.fullmatch(r"[0-9a-f]{12}", article.locator(".meta code").inner_text())


def test_generated_files_are_saved_from_the_answer(chat: Visit, tmp_path: Path) -> None:
    article = chat.ask("gpt2をg5.xlargeでLoRA学習するコードを生成して")
    with chat.page.expect_download() as waiting:
        article.locator(".file").first.click()
    assert waiting.value.suggested_filename.endswith(".zip")
    waiting.value.save_as(tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        assert archive.testzip() is None
        assert any(name.endswith("train.py") for name in archive.namelist())
