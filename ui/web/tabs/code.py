"""コード生成: a workload's form, the files to look at, and everything as a zip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from ui.web.chat import session_of
from ui.web.tabs.bench import PRIVATE, SKIP, Bench

if TYPE_CHECKING:
    from assistant.bundle_forms import Field, Form

MAIN_FIELDS = 4
_FIRST = ("model", "method", "input", "data", "source", "output", "target", "instance", "instances")
_FENCED = re.compile(r"\n*`[^`\n]+`:\n+```.*?\n```", re.DOTALL)
"""The file that a chat answer shows in full: here it stands in the preview."""
_LANGUAGES = {
    ".py": "python",
    ".json": "json",
    ".sh": "shell",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".md": "markdown",
    ".toml": "yaml",
    ".html": "html",
    ".sql": "sql",
}
"""TOML is coloured as YAML: Gradio knows no TOML."""


def build(bench: Bench) -> None:
    """Add the tab."""
    CodeTab(bench)


class CodeTab:
    """The workload at the top, its form, then the files."""

    def __init__(self, bench: Bench) -> None:
        """Add everything to the page that is being built."""
        from assistant.bundle_forms import bundle_forms

        self.bench, self.say = bench, bench.say
        self.forms: dict[str, Form] = {f.key: f for f in bundle_forms(bench.say.language)}
        with gr.Column(elem_classes="bench"):
            with gr.Row(equal_height=False):
                self.workload = gr.Dropdown(
                    [(f"{form.title} ({key})", key) for key, form in self.forms.items()],
                    value=next(iter(self.forms)),
                    label=self.say("workload"),
                    interactive=True,
                    scale=2,
                )
                self.region = bench.regions(scale=1)
            self.given = gr.State({})
            self.place = gr.Column()
            self.result = bench.result("code_empty")
            self._preview()
        self._connect()

    def _preview(self) -> None:
        self.texts = gr.State({})
        with gr.Column(visible=False) as self.preview:
            with gr.Row(elem_classes="acts", equal_height=False):
                self.file = gr.Dropdown(
                    [], label=self.say("files_preview"), scale=2, interactive=True
                )
                self.download = gr.DownloadButton(
                    self.say("download_zip"), variant="primary", scale=0, elem_id="bundle-zip"
                )
            self.code = gr.Code(
                "", language="python", interactive=False, max_lines=40, show_label=False
            )

    def _connect(self) -> None:
        with self.place:
            gr.render(
                [self.workload, self.given], triggers=[self.bench.page.load, self.workload.change]
            )(self.form)
        self.file.change(
            self.show, [self.file, self.texts], self.code, show_progress="hidden", **PRIVATE
        )
        self.bench.from_address("code", [self.workload, self.region, self.given], self.prefill)

    def form(self, key: str, given: Mapping[str, str]) -> None:
        """Add the fields of a workload: called by Gradio whenever another one is chosen."""
        form = self.forms[key]
        fields = sorted(form.fields, key=_importance)
        values: list[Any] = []
        with gr.Row(equal_height=False):
            for field in fields[:MAIN_FIELDS]:
                values.append(self._field(field, given))
        if fields[MAIN_FIELDS:]:
            with gr.Accordion(self.say("details"), open=False):
                with gr.Row(equal_height=False):
                    for field in fields[MAIN_FIELDS:]:
                        values.append(self._field(field, given))
        with gr.Row(elem_classes="acts"):
            run = gr.Button(self.say("run_code"), variant="primary", scale=0, min_width=140)
            ask = gr.Button(self.say("ask_in_chat"), scale=0, min_width=160)
        outputs = [self.result, self.preview, self.file, self.code, self.texts, self.download]
        names = [field.name for field in fields]

        def generate(request: gr.Request, region: str, *entered: Any) -> list[Any]:
            return self.generate(key, region, names, entered, session_of(request))

        def question(*entered: Any) -> str:
            options = _options(names, entered)
            return self.say("question_code", model=options.get("model", ""), workload=form.title)

        event = run.click(generate, [self.region, *values], outputs, **PRIVATE)
        kept = dict(zip(names[:MAIN_FIELDS], values, strict=False))
        address = {"workload": self.workload, "region": self.region, **kept}
        self.bench.address(event, "code", address)
        self.bench.hand_over(ask, question, values)

    def _field(self, field: Field, given: Mapping[str, str]) -> Any:
        value: Any = given.get(field.name, field.default)
        more: dict[str, Any] = {
            "label": self.say.option(field.name),
            "min_width": 150,
            "interactive": True,
        }
        if field.name == "instance":
            names = ["", *self.bench.instance_names()]
            return gr.Dropdown(names, value=value or "", allow_custom_value=True, **more)
        if field.kind == "yes_no":
            return gr.Checkbox(bool(value), **more)
        if field.kind == "choice":
            auto = [] if field.default is not None else [(self.say("auto"), "")]
            choices = [*auto, *((c, c) for c in field.choices)]
            return gr.Dropdown(choices, value="" if value is None else str(value), **more)
        if field.name == "model" and field.required and not value:
            value = "llama-3-8b"
        return gr.Textbox(_shown(value), placeholder=self.say("auto"), **more)

    def generate(
        self, key: str, region: str, names: Sequence[str], entered: Sequence[Any], session: str
    ) -> list[Any]:
        """Return the bundle: what it is, its files and the zip."""
        made: list[Any] = []

        def work() -> str:
            request = {"workload": key, "region": region, "options": _options(names, entered)}
            result = self.bench.assistant.run_tool("generate_bundle", request)
            made.append(result)
            return self.bench.described(result, without=_FENCED)

        html = self.bench.guard(work)
        if not made or made[0].kind != "bundle":
            return [html, gr.Column(visible=False), SKIP, SKIP, {}, SKIP]
        from assistant.bundle_forms import zip_of

        bundle = made[0]
        folder = self.bench.site.sessions.directory(session)
        path = folder / f"{bundle.name}.zip"
        path.write_bytes(zip_of(bundle))
        texts = {item.path: item.text for item in bundle.files}
        files = gr.Dropdown(choices=list(texts), value=bundle.shown)
        code = self.show(bundle.shown, texts)
        return [
            html,
            gr.Column(visible=True),
            files,
            code,
            texts,
            gr.DownloadButton(value=str(path)),
        ]

    def show(self, path: str, texts: Mapping[str, str]) -> Any:
        """Return a file with its syntax coloured."""
        language = _LANGUAGES.get(PurePosixPath(path or "").suffix)
        return gr.Code(value=texts.get(path, ""), language=cast("Any", language))

    def prefill(self, query: Mapping[str, str]) -> list[Any]:
        """Return the form as the address says."""
        key = query.get("workload", "")
        known = key if key in self.forms else next(iter(self.forms))
        region = query.get("region") or self.bench.assistant.settings.region
        given = {k: v for k, v in query.items() if k not in ("tab", "workload", "region")}
        return [known, region, given]


def _importance(field: Field) -> tuple[bool, int]:
    """Sort what everybody sets before what has a good default."""
    known = field.name in _FIRST
    return (not known, _FIRST.index(field.name) if known else 0)


def _options(names: Sequence[str], entered: Sequence[Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in zip(names, entered, strict=True)
        if value is not None and value != ""
    }


def _shown(value: Any) -> str:
    """Return a default as the field shows it; lists with commas between."""
    if value is None:
        return ""
    return ", ".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)
