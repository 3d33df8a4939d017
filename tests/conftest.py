"""What all tests share: a clean environment, the packaged catalogue, and strictness about skips.

With ASK_TEST_STRICT=1 (set by CI) a test may not be skipped for want of a tool that CI installs: a
skip is then a failure, unless it is for something that only some checkouts or systems have.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.settings import Settings
from assistant.tool_registry import ToolRunner
from knowledge.ec2.catalogue import Catalogue
from tests.postgres import PostgresServer

STRICT = os.environ.get("ASK_TEST_STRICT") == "1"
ALLOWED_SKIPS = ("no fact table at", "needs a Unix terminal")


@pytest.fixture(autouse=True)
def own_settings_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the settings, the data and the cloud login of the machine out of the tests."""
    for name in list(os.environ):
        if name.startswith(("ASK_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ASK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The packaged catalogue."""
    return Catalogue()


@pytest.fixture(scope="session")
def runner(catalogue: Catalogue) -> ToolRunner:
    """The tools, priced for Tokyo."""
    return ToolRunner(catalogue, "ap-northeast-1")


@pytest.fixture(scope="session")
def forgetful(catalogue: Catalogue) -> Assistant:
    """An assistant with the planner that keeps nothing on disk."""
    return Assistant(Settings(log=False), catalogue=catalogue)


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer]:
    """A PostgreSQL server; tests take a database of their own from it."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings that keep state in files, or in a shared database."""
    if request.param == "sqlite":
        return Settings(data_dir=tmp_path / "kept")
    server: PostgresServer = request.getfixturevalue("postgres")
    return Settings(data_dir=tmp_path / "kept", state_url=server.new_database())


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    place = report.longrepr
    return str(place[2]) if isinstance(place, tuple) else str(place)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip that CI cannot accept into a failure."""
    reason = _reason(report)
    if STRICT and report.skipped and not hasattr(report, "wasxfail"):
        if not any(allowed in reason for allowed in ALLOWED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"ASK_TEST_STRICT: this must not be skipped ({reason})"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge skips inside tests."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge skips of whole modules (importorskip)."""
    report = yield
    _refuse_skip(report)
    return report
