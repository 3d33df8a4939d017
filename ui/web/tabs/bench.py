"""What all tabs share: running a tool, errors, the address, and going on in the chat."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from ui.web.charts import figures
from ui.web.conversation import message
from ui.web.html import esc, render_html
from ui.web.site import Site
from ui.web.texts import Texts
from ui.web.turns import report
from ui.web.view import stamped

if TYPE_CHECKING:
    from assistant.app import Assistant

SKIP: Any = cast("Any", gr.skip())  # pyright: ignore[reportUnknownMemberType]
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
Prefill = Callable[[Mapping[str, str]], list[Any]]


@dataclass(slots=True)
class Bench:
    """The tabs of one page while it is being built."""

    site: Site
    say: Texts
    page: gr.Blocks
    tabs: gr.Tabs
    chat: gr.HTML
    prefills: dict[str, tuple[list[Any], Prefill]] = field(
        default_factory=dict[str, tuple[list[Any], Prefill]]
    )

    @property
    def assistant(self) -> Assistant:
        """The shared assistant: tools need nothing of a session."""
        return self.site.assistant

    def result(self, empty: str) -> gr.HTML:
        """Add the place where a tab shows its result."""
        return gr.HTML(
            f'<div class="result"><p class="empty">{esc(self.say(empty))}</p></div>',
            apply_default_css=False,
            js_on_load=None,
            elem_classes="bench-result",
        )

    def regions(self, **more: Any) -> gr.Dropdown:
        """Add a list of regions, those of Japan first."""
        english = self.say.language == "en"
        found = self.assistant.catalogue.regions.values()
        order = sorted(found, key=lambda r: (r.code not in _NEAR, r.code))
        choices = [(f"{r.name_en if english else r.name} ({r.code})", r.code) for r in order]
        return gr.Dropdown(
            choices,
            value=self.assistant.settings.region,
            label=self.say("region"),
            interactive=True,
            **more,
        )

    def instance_names(self) -> list[str]:
        """Return the names that a form offers."""
        return list(self.assistant.catalogue.types)

    def guard(self, work: Callable[[], str]) -> str:
        """Return the HTML that `work` makes, or what went wrong in words."""
        from assistant.errors import AssistantError

        try:
            return f'<div class="result">{work()}</div>'
        except AssistantError as error:
            text = error.message(self.say.language)
        except Exception as error:
            text = self.say("failed", incident=report(error))
        return f'<div class="result"><p class="problem" role="alert">{esc(text)}</p></div>'

    def described(self, result: Any, *, without: re.Pattern[str] | None = None) -> str:
        """Return a tool's result as the chat would show it: verdict, pictures, the rest.

        What `without` matches is left out: the tab shows it in a better form.
        """
        text = self.assistant.describe_result(result, self.say.language)
        if without:
            text = without.sub("", text)
        verdict, _, rest = text.partition("\n\n")
        charts = [chart.model_dump(mode="json") for chart in getattr(result, "charts", ())]
        drawn = figures(charts, self.say.language, self.say)
        return self._words(verdict) + drawn + self._words(rest)

    def _words(self, text: str) -> str:
        html = stamped(render_html(text, table_label=self.say("table")))
        return f'<div class="md">{html}</div>'

    def hand_over(
        self, button: gr.Button, question: Callable[..., str], inputs: Sequence[Any]
    ) -> None:
        """Let a button go on in the chat with the question that a form stands for."""

        def send(*values: Any) -> tuple[Any, str]:
            return gr.Tabs(selected="chat"), message(send=question(*values))

        button.click(send, [*inputs], [self.tabs, self.chat], show_progress="hidden", **PRIVATE)

    def address(self, after: Any, tab: str, fields: Mapping[str, Any]) -> None:
        """Write the state of a form into the address once its event has run."""
        names = json.dumps(list(fields))
        js = (
            f"(...values) => {{ askUrl({json.dumps(tab)}, "
            f"Object.fromEntries({names}.map((name, i) => [name, values[i]]))); return []; }}"
        )
        after.then(None, [*fields.values()], None, js=js, **PRIVATE)

    def from_address(self, tab: str, outputs: list[Any], prefill: Prefill) -> None:
        """Fill a form from the address when the page is opened there."""
        self.prefills[tab] = (outputs, prefill)

    def finish(self) -> None:
        """Open the tab that the address names. To be called when all tabs are built."""
        for tab, (outputs, prefill) in self.prefills.items():
            self.page.load(
                _loader(tab, prefill, len(outputs)),
                None,
                [self.tabs, *outputs],
                show_progress="hidden",
                **PRIVATE,
            )


_NEAR = ("ap-northeast-1", "ap-northeast-3", "us-east-1", "us-west-2")


def _loader(tab: str, prefill: Prefill, count: int) -> Callable[..., list[Any]]:
    def load(request: gr.Request) -> list[Any]:
        query = query_of(request)
        if query.get("tab") != tab:
            return [SKIP] * (count + 1)
        return [gr.Tabs(selected=tab), *prefill(query)]

    return load


def query_of(request: gr.Request) -> dict[str, str]:
    """Return what the address of the page says."""
    given = cast("Mapping[str, str]", request.query_params)  # pyright: ignore[reportUnknownMemberType]
    return dict(given.items())
