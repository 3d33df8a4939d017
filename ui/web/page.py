"""The page in one language: header, chat, workbench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes import Base

from assistant.tool_registry import TOOLS
from ui.web.chat import Chat, session_of
from ui.web.html import esc
from ui.web.session import Sessions
from ui.web.site import Site
from ui.web.tabs import code, compare, cost, knowledge, sizing
from ui.web.tabs.bench import Bench
from ui.web.texts import Language, Texts, texts

_HERE = Path(__file__).parent
FONTS = ["Noto Sans JP", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI", "Meiryo"]
DELETE_AFTER = 3600


TABS = {
    "compare": (compare.build, ()),
    "cost": (cost.build, ()),
    "sizing": (sizing.build, ("size_training", "size_inference")),
    "code": (code.build, ("generate_bundle",)),
    "knowledge": (knowledge.build, ()),
}
"""How a tab is built, and the tools without which it is left out."""

# A tab without state of its own in the address still has its name there.
_TAB_ADDRESS = """() => {
  const chosen = document.querySelector('#ask-tabs [role=tab][aria-selected=true]');
  const tab = chosen ? chosen.dataset.tabId : 'chat';
  const now = new URLSearchParams(location.search).get('tab') || 'chat';
  if (tab !== now) askUrl(tab, {});
}"""


def build_page(site: Site, language: Language) -> gr.Blocks:
    """Return the page; nothing of it is shared between browser tabs."""
    say = texts(language)
    with gr.Blocks(
        title=say("title"),
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(DELETE_AFTER, DELETE_AFTER),
    ) as page:
        gr.HTML(_header(site, say), apply_default_css=False, js_on_load=None)
        with gr.Tabs(elem_id="ask-tabs") as tabs:
            with gr.Tab(say("tab_chat"), id="chat"):
                view = Chat(site.sessions, say, site.pool, site.concurrency).build()
            bench = Bench(site, say, page, tabs, view)
            for key, (build, tools) in TABS.items():
                if not set(tools) <= set(TOOLS):
                    continue
                with gr.Tab(say(f"tab_{key}"), id=key):
                    build(bench)
        bench.finish()
        tabs.select(None, None, None, js=_TAB_ADDRESS, api_visibility="private")
        page.unload(_closer(site.sessions))
    return page


def appearance() -> dict[str, Any]:
    """Return theme and style sheet for mounting the page."""
    theme = Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=[*FONTS, "system-ui", "sans-serif"],
        font_mono=["SFMono-Regular", "Consolas", "monospace"],
        radius_size="sm",
        spacing_size="sm",
        text_size="md",
    )
    return {"theme": theme, "css_paths": [_HERE / "style.css"]}


def first_script(root_path: str, language: Language) -> str:
    """Return the script that runs before everything else on a page."""
    script = (_HERE / "page.js").read_text("utf-8")
    return script.replace("__LANGUAGE__", language).replace("__ROOT__", root_path)


def _header(site: Site, say: Texts) -> str:
    dates = site.assistant.catalogue_dates()
    _, newest = dates["prices_as_of"]
    shown = say("data_dates", specs=dates["specs_as_of"], prices=newest)
    other = f"{site.root_path}/" if say.language == "en" else f"{site.root_path}/en/"
    return (
        f'<header class="ask-head"><a class="skip" href="#ask-input">{esc(say("skip"))}</a>'
        f"<h1>ask</h1><p>{esc(say('product'))}</p>"
        f'<p class="dates">{esc(shown)}</p>'
        f'<a class="lang" href="{esc(other)}" data-page="{esc(other)}">'
        f"{esc(say('other_language'))}</a>"
        f'<button type="button" class="theme" onclick="askTheme()" '
        f'aria-label="{esc(say("theme"))}" title="{esc(say("theme"))}">◐</button></header>'
    )


def _closer(sessions: Sessions) -> Any:
    def close(request: gr.Request) -> None:
        sessions.close(session_of(request))

    return close
