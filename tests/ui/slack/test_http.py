"""HTTP mode: signatures, replayed requests, URL verification, interactions, nonsense."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator

import pytest
from running_bot import StartBot
from scripted import Scripted
from slack_server import BOT, SECRET, SlackServer, event_body, signed

from assistant.settings import Settings

ME = f"<@{BOT}>"


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def endpoint(
    slack: SlackServer, start_bot: StartBot, settings: Settings, port: int
) -> Iterator[int]:
    """A bot in HTTP mode to which the local Slack delivers."""
    scripted = Scripted(settings)
    scripted.pause_seconds = 0.7
    start_bot(scripted, http=True, port=port)
    assert slack.wait_for(lambda: request(port, "GET", "/healthz") == 200)
    slack.events_url = f"http://127.0.0.1:{port}/slack/events"
    yield port


def request(
    port: int,
    method: str,
    path: str,
    body: str | bytes = "",
    headers: dict[str, str] | None = None,
) -> int:
    return exchange(port, method, path, body, headers)[0]


def exchange(
    port: int,
    method: str,
    path: str,
    body: str | bytes = "",
    headers: dict[str, str] | None = None,
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        data = body.encode() if isinstance(body, str) else body
        connection.request(method, path, data, headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def mention(ts: str = "1.000001") -> str:
    event = {"type": "app_mention", "user": "U1", "text": f"{ME} x", "ts": ts, "channel": "C1"}
    return json.dumps(event_body(event))


def test_events_are_answered_and_acknowledged_within_a_second(
    slack: SlackServer, endpoint: int
) -> None:
    ts = slack.say("C1", "U1", f"{ME} slow")
    assert slack.wait_for(lambda: all(d.acked_after is not None for d in slack.deliveries))
    assert not slack.thread("C1", ts)  # the answer is not waited for
    assert max(d.acked_after or 9 for d in slack.deliveries) < 1
    assert slack.wait_for(lambda: slack.thread("C1", ts))


@pytest.mark.parametrize(
    "headers",
    [
        signed(mention(), secret="another"),
        {},
        {"x-slack-request-timestamp": str(int(time.time())), "x-slack-signature": "v0=00"},
        {"x-slack-request-timestamp": "yesterday", "x-slack-signature": "v0=00"},
    ],
    ids=["wrong secret", "none", "wrong digest", "no time"],
)
def test_a_request_without_slacks_signature_is_refused(
    slack: SlackServer, endpoint: int, headers: dict[str, str]
) -> None:
    json_headers = {"content-type": "application/json", **headers}
    assert request(endpoint, "POST", "/slack/events", mention(), json_headers) in (401, 500)
    slack.wait_for(lambda: slack.calls["chat.postMessage"], 0.3)
    assert slack.calls["chat.postMessage"] == 0


@pytest.mark.parametrize(("age", "status"), [(400, 401), (-400, 401), (200, 200)])
def test_a_replayed_request_is_refused_after_five_minutes(
    slack: SlackServer, endpoint: int, age: int, status: int
) -> None:
    slack.messages["C1"].append({"ts": "1.000001", "user": "U1", "type": "message"})
    headers = {"content-type": "application/json", **signed(mention(), age_seconds=age)}
    body = mention()
    headers |= signed(body, age_seconds=age)
    assert request(endpoint, "POST", "/slack/events", body, headers) == status


def test_a_request_replayed_within_five_minutes_is_answered_once(
    slack: SlackServer, endpoint: int
) -> None:
    slack.messages["C1"].append({"ts": "1.000001", "user": "U1", "type": "message"})
    body = mention()
    headers = {"content-type": "application/json", **signed(body)}
    for _ in range(3):
        assert request(endpoint, "POST", "/slack/events", body, headers) == 200
    assert slack.wait_for(lambda: slack.calls["chat.postMessage"])
    slack.wait_for(lambda: slack.calls["chat.postMessage"] > 1, 0.5)
    assert slack.calls["chat.postMessage"] == 1


def test_a_body_changed_on_the_way_is_refused(slack: SlackServer, endpoint: int) -> None:
    headers = {"content-type": "application/json", **signed(mention())}
    changed = mention().replace("U1", "U2")
    assert request(endpoint, "POST", "/slack/events", changed, headers) == 401


def test_the_url_is_verified(slack: SlackServer, endpoint: int) -> None:
    body = json.dumps({"type": "url_verification", "token": "x", "challenge": "abc"})
    headers = {"content-type": "application/json", **signed(body)}
    status, reply = exchange(endpoint, "POST", "/slack/events", body, headers)
    assert status == 200 and json.loads(reply)["challenge"] == "abc"


def test_commands_and_clicks_arrive_over_http(slack: SlackServer, endpoint: int) -> None:
    from test_surfaces import command

    assert "受け付けました" in command(slack, "G5は?")
    assert slack.wait_for(lambda: len(slack.messages["C1"]) == 2)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"null", b"[]", b'{"event": 3}', b""])
def test_nonsense_with_a_good_signature_does_no_harm(
    slack: SlackServer, endpoint: int, body: bytes
) -> None:
    text = body.decode("utf-8", "replace")
    headers = {"content-type": "application/json", **signed(text, secret=SECRET)}
    request(endpoint, "POST", "/slack/events", body, headers)
    ts = slack.say("C1", "U1", f"{ME} x")
    assert slack.wait_for(lambda: slack.thread("C1", ts))


def test_huge_bodies_and_other_paths_are_refused(slack: SlackServer, endpoint: int) -> None:
    headers = {"content-type": "application/json", "content-length": "2000000"}
    assert request(endpoint, "POST", "/slack/events", b"x", headers) == 413
    assert request(endpoint, "POST", "/other", b"{}") == 404
    assert request(endpoint, "GET", "/slack/events") == 404
