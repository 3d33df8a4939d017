"""What the local model servers say, in a form that both protocols can speak."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHUNK = 7
"""Characters of a streamed piece: it cuts words, figures and Markdown anywhere."""


@dataclass(frozen=True)
class Call:
    """A tool call of the model."""

    name: str
    args: dict[str, Any]
    raw: str | None = None
    """Arguments as text, for broken JSON."""


@dataclass(frozen=True)
class Reply:
    """One reply of the model, or how it fails to give one."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    stop: str = ""
    """A stop reason other than the usual ones: `refusal`, `length`."""
    error: str = ""
    """`throttled`, `invalid`, `overflow`, `denied`, `server`: an error instead of a reply."""
    dies_after: int | None = None
    """Close the connection after so many pieces."""
    stalls_after: int | None = None
    """Say nothing more after so many pieces."""
    breaks_frame: bool = False
    """Send a frame whose checksum is wrong."""
    error_in_stream: str = ""
    pause: float = 0.0
    """Seconds between pieces."""


@dataclass(frozen=True)
class Asked:
    """A request as the server understood it, whichever protocol."""

    model: str
    system: str
    messages: list[dict[str, Any]]
    tools: list[str]
    streamed: bool
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def last_text(self) -> str:
        """The text of the last message."""
        return str(self.messages[-1].get("text", ""))

    @property
    def has_results(self) -> bool:
        """Whether a tool result came after the last question."""
        for message in reversed(self.messages):
            if message["results"]:
                return True
            if message["role"] == "user":
                return False
        return False


Brain = Callable[[Asked], Reply]


def in_turn(replies: Sequence[Reply]) -> Brain:
    """Return a model that gives these replies, one a request, and then the last for ever."""
    left = list(replies)
    lock = threading.Lock()

    def brain(_: Asked) -> Reply:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return brain


@dataclass
class Server:
    """A running model server."""

    brain: Brain
    handler: type[ModelHandler]
    asked: list[Asked] = field(default_factory=list[Asked])
    rejected: list[str] = field(default_factory=list[str])
    """Requests that the published schema does not allow."""
    broken_pipes: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    """Set at the end: stalled replies stop waiting."""

    def __enter__(self) -> Server:
        """Listen on a free port."""
        server = self

        class Handler(self.handler):
            state = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self.released.set()
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def say(self, *replies: Reply) -> Server:
        """Give these replies from now on."""
        self.brain = in_turn(replies)
        return self


class ModelHandler(BaseHTTPRequestHandler):
    """What both protocols share."""

    state: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def body(self) -> bytes:
        """Return the request's body."""
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def send(self, status: int, content: bytes, **headers: str) -> None:
        """Send a complete response."""
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def begin_stream(self, content_type: str) -> None:
        """Send the head of a response in chunks."""
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.close_connection = True

    def send_pieces(self, reply: Reply, pieces: Sequence[bytes]) -> bool:
        """Send the pieces as the reply wants; False if it broke off."""
        for number, piece in enumerate(pieces):
            if reply.dies_after is not None and number >= reply.dies_after:
                self.connection.shutdown(2)
                return False
            if reply.stalls_after is not None and number >= reply.stalls_after:
                self.state.released.wait(30)
                return False
            if reply.pause and self.state.released.wait(reply.pause):
                return False
            try:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            except OSError:
                self.state.broken_pipes += 1
                return False
        try:
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.state.broken_pipes += 1  # the client left with the last piece
        return True


def cut(text: str) -> list[str]:
    """Return a text in pieces as a model streams it."""
    return [text[i : i + CHUNK] for i in range(0, len(text), CHUNK)]
