"""vit-lightning on spot: stopped by a notice, then going on from S3 on another machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from knowledge.ec2.catalogue import Catalogue
from tests.tools.codegen.executing import made, smoke

KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 with the bucket `my-bucket`."""
    boto3: Any = pytest.importorskip("boto3")
    moto: Any = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="my-bucket")
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def interrupted() -> Iterator[str]:
    """An instance metadata service (IMDSv2) that announces an interruption."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._reply("token")

        def do_GET(self) -> None:
            asked = self.path == "/latest/meta-data/spot/instance-action"
            self._reply('{"action": "terminate", "time": "2026-11-24T12:00:00Z"}' if asked else "")

        def _reply(self, text: str) -> None:
            self.send_response(200 if text else 404)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_interrupted_run_goes_on_from_its_checkpoint_in_s3(
    catalogue: Catalogue, tmp_path: Path, s3: str, interrupted: str
) -> None:
    pytest.importorskip("lightning")
    options: dict[str, Any] = {"spot": True, "checkpoint_s3": "s3://my-bucket/runs/vit"}
    bundle = made(catalogue, "vit-lightning", instance="g5.12xlarge", **options)
    aws = KEYS | {"AWS_ENDPOINT_URL_S3": s3}
    service = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
    first = smoke(bundle, tmp_path / "first", **aws, **{service: interrupted})
    assert "中断されます" in first.stdout
    assert not (tmp_path / "first/smoke/output/model").exists()
    second = smoke(bundle, tmp_path / "second", **aws, **{service: "http://127.0.0.1:9"})
    assert "step-1 から再開します" in second.stdout
    assert (tmp_path / "second/smoke/output/model/model.safetensors").is_file()
    assert (tmp_path / "second/smoke/output/checkpoints/step-6/last.ckpt").is_file()
