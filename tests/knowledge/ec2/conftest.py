"""Fixtures of the catalogue tests: the packaged catalogue, fact tables, a stand-in EC2."""

from __future__ import annotations

import csv
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from knowledge.ec2.catalogue import Catalogue

SHARED = Path(__file__).parents[4] / "shared"

Reply = tuple[int, str]
Answer = Callable[[str, str, dict[str, str]], Reply]
"""(action, region, parameters) -> (status, XML)."""


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture(scope="session")
def rows() -> Callable[[str], list[dict[str, str]]]:
    """Return a reader of the fact tables, which only some checkouts have beside them."""

    def read(name: str) -> list[dict[str, str]]:
        path = SHARED / name
        if not path.is_file():
            pytest.skip(f"no fact table at {path}")
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    return read


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide any AWS configuration of the machine that runs the tests."""
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "ENDPOINT_URL")
    for name in (*names, "WEB_IDENTITY_TOKEN_FILE", "CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def login(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


class FakeEc2(ThreadingHTTPServer):
    """An HTTP server that answers EC2 queries with what `answer` returns, and counts them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Answer = lambda action, region, parameters: self.reply(action, region)
        self.calls: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def always_answer(self, reply: Reply) -> None:
        """Answer every call in the same way."""
        self.answer = lambda action, region, parameters: reply

    def always_refuse(self, code: str, status: int = 403) -> None:
        """Answer every call with an error."""
        self.always_answer(self.error(code, status))

    @staticmethod
    def reply(action: str, region: str, *names: str, next_token: str = "") -> Reply:
        """Return a well-formed reply about the named types, c6i.large and m7i.large if none are."""
        known = names or ("c6i.large", "m7i.large")
        kind = "instanceTypeOfferingSet" if action.endswith("Offerings") else "instanceTypeSet"
        item = _offering if action.endswith("Offerings") else _description
        items = "".join(f"<item>{item(name, region)}</item>" for name in known)
        token = f"<nextToken>{next_token}</nextToken>" if next_token else ""
        return 200, (
            f'<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            f"<requestId>test</requestId><{kind}>{items}</{kind}>{token}</{action}Response>"
        )

    @staticmethod
    def error(code: str, status: int = 403) -> Reply:
        """Return an error in the form that EC2 uses."""
        error = f"<Error><Code>{code}</Code><Message>refused</Message></Error>"
        return status, f"<Response><Errors>{error}</Errors><RequestID>test</RequestID></Response>"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, FakeEc2)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        parameters = {name: values[0] for name, values in parse_qs(body).items()}
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/", self.headers["Authorization"])
        action, region = parameters["Action"], scope[1] if scope else ""
        self.server.calls.append((action, region))
        status, text = self.server.answer(action, region, parameters)
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output clean."""


@pytest.fixture
def fake_ec2(login: None) -> Iterator[FakeEc2]:
    server = FakeEc2()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _offering(name: str, region: str) -> str:
    return (
        f"<instanceType>{name}</instanceType><locationType>region</locationType>"
        f"<location>{region}</location>"
    )


def _description(name: str, _: str) -> str:
    return (
        f"<instanceType>{name}</instanceType><currentGeneration>true</currentGeneration>"
        "<supportedUsageClasses><item>spot</item><item>on-demand</item></supportedUsageClasses>"
        "<bareMetal>false</bareMetal><hypervisor>nitro</hypervisor><processorInfo>"
        "<supportedArchitectures><item>x86_64</item></supportedArchitectures>"
        "<sustainedClockSpeedInGhz>9.9</sustainedClockSpeedInGhz>"
        "<manufacturer>Intel</manufacturer></processorInfo>"
        "<vCpuInfo><defaultVCpus>2</defaultVCpus><defaultCores>1</defaultCores>"
        "<defaultThreadsPerCore>2</defaultThreadsPerCore></vCpuInfo>"
        "<memoryInfo><sizeInMiB>4096</sizeInMiB></memoryInfo><networkInfo>"
        "<networkPerformance>Up to 12.5 Gigabit</networkPerformance>"
        "<maximumNetworkCards>1</maximumNetworkCards></networkInfo>"
    )
