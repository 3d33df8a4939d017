"""Settings: flag > environment > file > default. The only module that reads the environment.

The file is TOML at `$ASK_CONFIG`, else `config.toml` in the platform's configuration directory;
its keys are the variable names in lower case without the prefix (`region = "us-east-1"`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from assistant.errors import NotConfiguredError, UsageError

DEFAULT_REGION = "ap-northeast-1"  # Tokyo: where the users' data usually is
_SECRETS = ("slack_bot_token", "slack_app_token", "slack_signing_secret", "mcp_token")
_PASSWORD = re.compile(r"(://[^:/@\s]+:)\S+(@)")
_KEY = re.compile(
    r"(?:AKIA|ASIA)[A-Z0-9]{16}|xox[a-z]-[\w-]{8,}|hf_\w{16,}|sk-[\w-]{16,}|ABSK[\w+/=]{16,}"
    r"|gh[pousr]_\w{20,}|eyJ[\w-]{10,}\.[\w-]+\.[\w-]+|(?<=[?&]key=)[^&\s]+"
)
TRACES = ("", "on", "text")


@dataclass(frozen=True, slots=True)
class JpyRate:
    """Yen for one US dollar, and the day of that rate (None: not stated)."""

    jpy_per_usd: Decimal
    as_of: date | None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be configured. Values are validated by `load_settings`."""

    model: str = "planner"
    """`provider:model`, several with commas: the next one answers when one fails."""
    model_base_url: str = ""
    """Server of the first model, for providers of one's own (vLLM, llama.cpp) and for tests."""
    model_region: str = ""
    """Region of Bedrock; empty: `region`."""
    model_profile: str = ""
    model_role: str = ""
    """ARN of a role to assume for Bedrock."""
    model_base: str = ""
    """The foundation model behind an application inference profile's ARN."""
    model_guardrail: str = ""
    """Bedrock guardrail, `ID:VERSION`."""
    model_cache: bool = True
    """Whether Bedrock may cache the prompt."""
    model_timeout: float = 30.0
    """Seconds without a sign of life from a model before it is given up."""
    model_turn_timeout: float = 120.0
    """Seconds for a whole turn; then the planner answers."""
    model_max_tokens: int = 4096
    model_context: int = 0
    """Tokens of history before older turns are summarised; 0: a default of 60,000."""
    trace: str = ""
    """OpenTelemetry spans: empty (none), `on`, or `text` (with messages)."""
    region: str = DEFAULT_REGION
    data_dir: Path = Path()
    state_url: str = ""
    """Empty: SQLite in `data_dir`."""
    jpy_per_usd: JpyRate | None = None
    """No default: unset shows USD only."""
    lang: str = ""
    """`ja` or `en`; empty: the language of the question."""
    log: bool = True
    """Whether answers and threads are kept on disk."""
    embedder: str = ""
    """Empty: the packaged one; else a sentence-transformers name or `bedrock:MODEL_ID`."""
    chroma_url: str = ""
    """Empty: vectors of ingested documents in `data_dir`; else a Chroma server."""
    artifact_url: str = ""
    """Empty: generated files in `data_dir`; else `s3://bucket/prefix`."""
    slack_bot_token: str = field(default="", repr=False)
    slack_app_token: str = field(default="", repr=False)
    """For Socket Mode."""
    slack_signing_secret: str = field(default="", repr=False)
    """For HTTP mode."""
    mcp_token: str = field(default="", repr=False)
    """What clients of `ask mcp --http` must show; empty: none, and this machine only."""
    slack_daily_limit: int = 50
    """Questions a Slack user may ask a day of a model other than the planner; 0: no limit."""

    @property
    def catalogue_dir(self) -> Path:
        """Where refreshed catalogue files are written."""
        return self.data_dir / "catalogue"

    @property
    def knowledge_dir(self) -> Path:
        """Where ingested documents are kept."""
        return self.data_dir / "knowledge"

    @property
    def artifacts_dir(self) -> Path | None:
        """Where files made for the user are written; None without a data directory."""
        return self.data_dir / "artifacts" if self.data_dir != Path() else None

    @property
    def artifact_index_path(self) -> Path:
        """SQLite file of what was made for which answer."""
        return self.data_dir / "artifacts.sqlite"

    @property
    def threads_path(self) -> Path:
        """SQLite file of the conversation threads."""
        return self.data_dir / "threads.sqlite"

    @property
    def inbox_path(self) -> Path:
        """SQLite file of the questions that wait for an answer."""
        return self.data_dir / "inbox.sqlite"

    @property
    def history_path(self) -> Path:
        """SQLite file of the answers given."""
        return self.data_dir / "answers.sqlite"

    @property
    def feedback_path(self) -> Path:
        """SQLite file of the votes on answers."""
        return self.data_dir / "feedback.sqlite"

    def shown(self) -> dict[str, str]:
        """Return the settings as text, with passwords masked."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        rate = self.jpy_per_usd
        values["jpy_per_usd"] = f"{rate.jpy_per_usd}@{rate.as_of or '?'}" if rate else ""
        for name in _SECRETS:
            values[name] = "***" if values[name] else ""
        return {key: mask_secrets(str(value)) for key, value in values.items()}


def mask_secrets(text: str) -> str:
    """Return the text with passwords in addresses and well-known kinds of keys masked."""
    return _KEY.sub("***", _PASSWORD.sub(r"\1***\2", text))


def has_variable(name: str) -> bool:
    """Whether a variable of the environment is set; its value is nobody's business."""
    return bool(os.environ.get(name))


def load_settings(
    overrides: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings from `overrides` (flags), the environment, the file and the defaults."""
    env = os.environ if environ is None else environ
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    from_env = {key[4:].lower(): value for key, value in env.items() if key.startswith("ASK_")}
    merged = _from_file(env) | {key: value for key, value in from_env.items() if value} | given
    region = merged.get("region") or env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    return Settings(
        model=merged.get("model", "planner").strip(),
        **_model_settings(merged),
        region=(region or DEFAULT_REGION).strip().lower(),
        data_dir=Path(merged["data_dir"]).expanduser() if "data_dir" in merged else _data_dir(),
        state_url=merged.get("state_url", ""),
        jpy_per_usd=parse_jpy_rate(merged["jpy_per_usd"]) if "jpy_per_usd" in merged else None,
        lang=_parse_language(merged.get("lang", "")),
        log=_is_on(merged.get("log", "on")),
        embedder=merged.get("embedder", "").strip(),
        chroma_url=merged.get("chroma_url", "").strip(),
        artifact_url=_parse_artifact_url(merged.get("artifact_url", "").strip()),
        **_secret_settings(merged, env),
        slack_daily_limit=_parse_limit(merged.get("slack_daily_limit", "50")),
    )


def _secret_settings(merged: Mapping[str, str], env: Mapping[str, str]) -> dict[str, Any]:
    """Return the tokens, which other programs know by the same names without our prefix."""
    return {name: (merged.get(name) or env.get(name.upper(), "")).strip() for name in _SECRETS}


def _model_settings(merged: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of models other than the planner that are given."""
    texts = ("base_url", "region", "profile", "role", "base", "guardrail")
    found: dict[str, Any] = {f"model_{key}": merged.get(f"model_{key}", "") for key in texts}
    for key, kind in (("timeout", float), ("turn_timeout", float), ("max_tokens", int)):
        if text := merged.get(f"model_{key}"):
            found[f"model_{key}"] = _parse_positive(f"ASK_MODEL_{key.upper()}", text, kind)
    if text := merged.get("model_context"):
        found["model_context"] = _parse_positive("ASK_MODEL_CONTEXT", text, int)
    trace = merged.get("trace", "").lower()
    trace = "" if trace in ("off", "0", "no") else trace
    if trace not in TRACES:
        raise UsageError(
            f"ASK_TRACE {trace!r} は使えません。off、on、text のどれかを指定してください。",
            f"ASK_TRACE {trace!r} is not known; use off, on or text.",
        )
    return found | {"model_cache": _is_on(merged.get("model_cache", "on")), "trace": trace}


def _is_on(text: str) -> bool:
    return text.lower() not in ("off", "0", "false", "no")


def _parse_positive(name: str, text: str, kind: type[int] | type[float]) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = kind(0)
    if not 0 < value < float("inf"):
        raise UsageError(
            f"{name} の値 {text!r} は使えません。0 より大きい数を指定してください。",
            f"{name} cannot be {text!r}; give a number above 0.",
        )
    return value


def parse_jpy_rate(text: str) -> JpyRate:
    """Return the rate written as `150` or `150@2026-11-20`."""
    number, _, day = text.partition("@")
    try:
        rate = JpyRate(Decimal(number.strip()), date.fromisoformat(day.strip()) if day else None)
    except (InvalidOperation, ValueError):
        rate = None
    if rate is None or not rate.jpy_per_usd.is_finite() or rate.jpy_per_usd <= 0:
        raise UsageError(
            f"為替レート {text!r} を読めません。150@2026-11-20 の形で指定してください。",
            f"Cannot read the exchange rate {text!r}; write it as 150@2026-11-20.",
        )
    return rate


def config_path(env: Mapping[str, str]) -> Path:
    """Return the path of the settings file, whether or not it exists."""
    if given := env.get("ASK_CONFIG"):
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("ask")) / "config.toml"


def _from_file(env: Mapping[str, str]) -> dict[str, str]:
    path = config_path(env)
    try:
        return {key: str(value) for key, value in tomllib.loads(path.read_text("utf-8")).items()}
    except FileNotFoundError:
        if not env.get("ASK_CONFIG"):
            return {}
        cause_ja, cause_en = "ありません", "does not exist"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        cause_ja, cause_en = f"読めません({error})", f"cannot be read ({error})"
    raise NotConfiguredError(
        f"設定ファイル {path} が{cause_ja}。", f"The settings file {path} {cause_en}."
    )


def _data_dir() -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("ask"))


def _parse_language(text: str) -> str:
    if text not in ("", "ja", "en"):
        raise UsageError(
            f"言語 {text!r} には対応していません。ja か en を指定してください。",
            f"Language {text!r} is not supported; use ja or en.",
        )
    return text


def _parse_artifact_url(text: str) -> str:
    if text and not re.fullmatch(r"s3://[^/\s]+(?:/\S*)?", text):
        raise UsageError(
            f"ASK_ARTIFACT_URL={text!r} は s3://バケット/接頭辞 の形で指定してください。",
            f"ASK_ARTIFACT_URL={text!r} must look like s3://bucket/prefix.",
        )
    return text


def _parse_limit(text: str) -> int:
    if not text.strip().isdecimal():
        raise UsageError(
            f"ASK_SLACK_DAILY_LIMIT={text!r} は 0 以上の整数で指定してください。",
            f"ASK_SLACK_DAILY_LIMIT={text!r} must be a whole number, 0 or more.",
        )
    return int(text)
