"""The workbench in a real browser: forms, results, the address, files, documents."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

from browsing import Visit
from playwright.sync_api import Page, expect

DOCUMENT = "# 倉庫の手順\n\n## 申請\n\nスポットインスタンスの申請番号は KURA-77 です。\n"


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def button(page: Page, name: str) -> None:
    page.get_by_role("tabpanel").get_by_role("button", name=name, exact=True).locator(
        "visible=true"
    ).click()


def upload(page: Page, path: Path) -> None:
    tab(page, "ナレッジ")
    page.set_input_files("#knowledge-files input[type=file]", str(path))
    expect(page.locator("#knowledge-files")).to_contain_text(path.stem)
    button(page, "取り込む")
    expect(page.locator(".outcome")).to_contain_text("取り込みました")


def test_comparing_marks_what_differs_and_what_is_best(chat: Visit) -> None:
    tab(chat.page, "比較")
    button(chat.page, "比較する")
    row = chat.page.get_by_role("row", name="GPU メモリ帯域")
    expect(row).to_have_class("differs")
    expect(row.locator(".best")).to_have_text("600 GB/s")
    expect(chat.page.locator(".result .chart svg")).to_be_visible()
    chat.page.get_by_label("違いだけを表示").check()
    expect(chat.page.locator(".result tr.differs").first).to_be_visible()
    expect(chat.page.locator(".result table").last.locator("tbody tr:not(.differs)")).to_have_count(
        0
    )


def test_the_address_of_a_comparison_shows_it_to_others(visit: Callable[..., Visit]) -> None:
    found = visit()
    page = found.open("/?tab=compare&names=g5.xlarge,g6.xlarge,g6e.xlarge&region=us-east-1")
    expect(page.get_by_role("columnheader", name="g6e.xlarge")).to_be_visible()
    expect(page.get_by_role("row", name="オンデマンド料金")).to_contain_text("1.006 USD/時")
    button(page, "比較する")
    page.wait_for_url(re.compile("names=g5.xlarge%2Cg6.xlarge%2Cg6e.xlarge&region=us-east-1"))


def test_a_name_that_does_not_exist_is_answered_in_words(visit: Callable[..., Visit]) -> None:
    page = visit().open("/?tab=compare&names=g5.xlarge,p5.24xlarge")
    expect(page.locator(".result .problem")).to_contain_text("p5.24xlarge")


def test_asking_in_chat_takes_the_question_along(chat: Visit) -> None:
    tab(chat.page, "比較")
    button(chat.page, "チャットで質問")
    article = chat.page.locator("article[data-done=true]")
    expect(article.locator(".said")).to_have_text("g5.xlarge と g6.xlarge の違いは?")
    expect(article).to_contain_text("A10G")


def test_costs_are_computed_in_dollars_and_yen(chat: Visit, tmp_path: Path) -> None:
    tab(chat.page, "料金")
    chat.page.get_by_label("為替(円/USD)").fill("150@2026-11-20")
    button(chat.page, "計算する")
    result = chat.page.locator(".result:visible")
    # 1.459 USD x 8 hours x 20 days x 3 months = 700.32 USD, x 150 = 105,048 JPY
    expect(result).to_contain_text("700.32 USD")
    expect(result).to_contain_text("105,048")
    expect(result.locator(".chart svg")).to_be_visible()
    with chat.page.expect_download() as waiting:
        button(chat.page, "稟議書を保存")
    waiting.value.save_as(tmp_path / "report.md")
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "# GPU インスタンス利用料の見積もり" in report and "700.32" in report
    chat.page.wait_for_url(re.compile(r"tab=cost&lines=g5\.xlarge\*1\*8\*20\*3\*on-demand"))


def test_the_address_of_an_estimate_computes_it(visit: Callable[..., Visit]) -> None:
    page = visit().open("/?tab=cost&lines=g6.xlarge*2*24*30*1*on-demand&region=us-east-1")
    expect(page.locator(".result:visible")).to_contain_text("g6.xlarge")
    expect(page.locator(".result:visible .md").first).to_contain_text("USD")


def test_wrong_input_of_the_cost_form_is_explained(chat: Visit) -> None:
    tab(chat.page, "料金")
    chat.page.get_by_label("為替(円/USD)").fill("百五十")
    button(chat.page, "計算する")
    expect(chat.page.locator(".result:visible .problem")).to_contain_text("為替レート")


def test_a_document_is_taken_in_found_and_asked_about(chat: Visit, tmp_path: Path) -> None:
    path = tmp_path / "倉庫の手順.md"
    path.write_text(DOCUMENT, "utf-8")
    upload(chat.page, path)
    chat.page.get_by_label("文書と用語集を検索").fill("申請番号")
    chat.page.keyboard.press("Enter")
    expect(chat.page.locator(".passage").first).to_contain_text("KURA-77")
    tab(chat.page, "チャット")
    expect(chat.ask("スポットインスタンスの申請番号は?")).to_contain_text("KURA-77")


def test_documents_of_one_user_stay_with_them(visit: Callable[..., Visit], tmp_path: Path) -> None:
    path = tmp_path / "秘密.md"
    path.write_text(DOCUMENT.replace("KURA-77", "HIMITSU-1"), "utf-8")
    mine, other = visit(), visit()
    upload(mine.open(), path)
    page = other.open()
    tab(page, "ナレッジ")
    expect(page.get_by_text("まだ文書はありません。")).to_be_visible()
    tab(page, "チャット")
    answer = other.ask("スポットインスタンスの申請番号は?")
    assert "HIMITSU" not in answer.inner_text()


def test_a_document_can_be_removed(chat: Visit, tmp_path: Path) -> None:
    path = tmp_path / "古い手順.md"
    path.write_text(DOCUMENT, "utf-8")
    upload(chat.page, path)
    chat.page.get_by_label("削除する文書").click()
    chat.page.get_by_role("option", name="倉庫の手順").click()
    chat.page.keyboard.press("Escape")
    button(chat.page, "削除")
    expect(chat.page.get_by_text("まだ文書はありません。")).to_be_visible()


def test_a_file_that_is_no_document_is_refused_in_words(chat: Visit, tmp_path: Path) -> None:
    path = tmp_path / "絵.txt"
    path.write_bytes(bytes(range(256)) * 20)
    tab(chat.page, "ナレッジ")
    chat.page.set_input_files("#knowledge-files input[type=file]", str(path))
    expect(chat.page.locator("#knowledge-files")).to_contain_text("絵")
    button(chat.page, "取り込む")
    expect(chat.page.locator(".outcome .problem")).to_contain_text("テキストではありません")


def test_sizing_shows_memory_against_capacity_and_what_fits(chat: Visit) -> None:
    tab(chat.page, "サイジング")
    button(chat.page, "見積もる")
    result = chat.page.locator(".result:visible")
    picture = result.locator(".chart").first
    expect(picture.locator("svg")).to_contain_text("GiB")
    picture.get_by_text("表で見る").click()
    expect(picture.locator("table")).to_contain_text("パラメータ")
    expect(result).to_contain_text("Llama 3 8B")
    chat.page.wait_for_url(re.compile("tab=sizing&purpose=training.*model=llama-3-8b&method=qlora"))


def test_sizing_follows_the_form_without_a_button(chat: Visit) -> None:
    tab(chat.page, "サイジング")
    button(chat.page, "見積もる")
    expect(chat.page.locator(".result:visible")).to_contain_text("QLoRA")
    chat.page.get_by_label("full", exact=True).check()
    expect(chat.page.locator(".result:visible")).to_contain_text("フル")
    chat.page.get_by_label("推論", exact=True).check()
    expect(chat.page.locator(".result:visible")).to_contain_text("KV")


def test_a_run_that_cannot_fit_is_refused_with_what_would(visit: Callable[..., Visit]) -> None:
    page = visit().open("/?tab=sizing&model=llama-3-70b&method=full&instance=g5.xlarge")
    expect(page.locator(".result:visible")).to_contain_text("収ま")


def test_code_is_generated_looked_at_and_saved_as_a_zip(chat: Visit, tmp_path: Path) -> None:
    page = chat.page
    tab(page, "コード生成")
    page.get_by_label("モデル", exact=True).locator("visible=true").fill("gpt2")
    button(page, "生成する")
    expect(page.locator(".result:visible")).to_contain_text("検証")
    code = page.get_by_role("tabpanel").locator(".cm-content:visible")
    expect(code).to_contain_text("gpt2")
    with page.expect_download() as waiting:
        button(page, "zip を保存")
    waiting.value.save_as(tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        assert archive.testzip() is None
        files = {name.split("/", 1)[1]: archive.read(name).decode() for name in archive.namelist()}
    assert {"README.md", "train.py", "requirements.txt", "bundle.json"} <= files.keys()
    compile(files["train.py"], "train.py", "exec")
    assert "gpt2" in files["config.toml"]


def test_options_that_are_wrong_are_explained(chat: Visit) -> None:
    tab(chat.page, "コード生成")
    chat.page.get_by_label("モデル", exact=True).locator("visible=true").fill("no-such-model-9")
    button(chat.page, "生成する")
    expect(chat.page.locator(".result:visible")).to_contain_text("no-such-model-9")


def test_another_workload_has_another_form(visit: Callable[..., Visit]) -> None:
    page = visit().open("/?tab=code&workload=xgboost&target=price")
    expect(page.get_by_label("目的変数")).to_have_value("price")
    button(page, "生成する")
    expect(page.get_by_role("tabpanel").locator(".cm-content:visible")).to_contain_text("price")
