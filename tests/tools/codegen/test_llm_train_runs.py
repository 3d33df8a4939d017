"""Every variant of `llm-train` is generated and really run: tiny models on the CPU."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]
import pytest
from moto.server import ThreadedMotoServer

from knowledge.ec2.catalogue import Catalogue
from tests.tools.codegen.plans import LLAMA_8B, QWEN_05B, plan
from tests.tools.codegen.running import llm_bundle, measured, run

pytest.importorskip("transformers")
LN_VOCABULARY = 5.313
"""Loss of a model that knows nothing: ln(203 words)."""


@pytest.mark.parametrize("stage", [2, 3])
def test_deepspeed_trains_on_two_processes(
    catalogue: Catalogue, tmp_path: Path, stage: int
) -> None:
    bundle = llm_bundle(catalogue, plan(catalogue, zero_stage=stage))
    run(bundle, tmp_path)
    assert measured(tmp_path)["loss"] == pytest.approx(LN_VOCABULARY, abs=0.3)
    assert (tmp_path / "output/smoke/final/model.safetensors").is_file()
    state = json.loads((tmp_path / "output/smoke/checkpoint-4/trainer_state.json").read_text())
    assert state["global_step"] == 4


def test_the_trainer_trains_all_weights(catalogue: Catalogue, tmp_path: Path) -> None:
    run(llm_bundle(catalogue, plan(catalogue, "g5.xlarge", model=QWEN_05B)), tmp_path)
    assert measured(tmp_path)["loss"] == pytest.approx(LN_VOCABULARY, abs=0.3)
    assert (tmp_path / "output/smoke/final/model.safetensors").is_file()


@pytest.mark.parametrize(("method", "instance"), [("lora", "g5.xlarge"), ("qlora", "g4dn.xlarge")])
def test_adapters_train_through_peft(
    catalogue: Catalogue, tmp_path: Path, method: str, instance: str
) -> None:
    """QLoRA quantises to NF4 with bitsandbytes, on the CPU too."""
    made = plan(catalogue, instance, model=LLAMA_8B, method=method, lora_rank=8)
    done = run(llm_bundle(catalogue, made), tmp_path)
    assert "trainable params" in done.stdout
    assert (tmp_path / "output/smoke/final/adapter_model.safetensors").is_file()
    assert not (tmp_path / "output/smoke/final/model.safetensors").exists()


@pytest.mark.parametrize(("method", "stage"), [("lora", 3), ("qlora", 2)])
def test_adapters_train_on_deepspeed(
    catalogue: Catalogue, tmp_path: Path, method: str, stage: int
) -> None:
    changes: dict[str, Any] = {"method": method, "lora_rank": 8, "zero_stage": stage}
    made = plan(catalogue, "g5.12xlarge", model=LLAMA_8B, **changes)
    run(llm_bundle(catalogue, made), tmp_path)
    assert (tmp_path / "output/smoke/final/adapter_model.safetensors").is_file()


def test_an_interrupted_run_goes_on_from_its_checkpoint_in_s3(
    catalogue: Catalogue, tmp_path: Path, bucket: str, notice: Notice
) -> None:
    options = {"spot": True, "checkpoint_s3": f"s3://{bucket}/runs/a", "max_hours": 3}
    bundle = llm_bundle(catalogue, plan(catalogue), **options)
    aws = {
        "AWS_ENDPOINT_URL_S3": notice.s3,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": notice.address,
    }
    notice.given = True
    first = run(bundle, tmp_path / "first", **aws)
    assert "中断されます" in first.stdout
    assert not (tmp_path / "first/output/smoke/final").exists()
    notice.given = False
    second = run(bundle, tmp_path / "second", **aws)
    assert "checkpoint-1 から再開します" in second.stdout
    losses = json.loads(
        (tmp_path / "second/output/smoke/checkpoint-4/trainer_state.json").read_text()
    )["log_history"]
    assert [row["step"] for row in losses if "loss" in row] == [1, 2, 3, 4]
    assert (tmp_path / "second/output/smoke/final/model.safetensors").is_file()


class Notice:
    """An instance metadata service (IMDSv2) that announces an interruption while `given`."""

    def __init__(self) -> None:
        self.given = False
        self.s3 = ""
        notice = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                self._reply("secret" if self.path == "/latest/api/token" else None)

            def do_GET(self) -> None:
                asked = self.path == "/latest/meta-data/spot/instance-action"
                token = self.headers.get("X-aws-ec2-metadata-token") == "secret"
                action = '{"action": "terminate", "time": "2026-11-24T12:00:00Z"}'
                self._reply(action if notice.given and asked and token else None)

            def _reply(self, text: str | None) -> None:
                self.send_response(200 if text else 404)
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, format: str, *args: object) -> None:
                del format, args

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def notice(bucket: str, s3_address: str) -> Iterator[Notice]:
    """The metadata service of the instance."""
    del bucket
    service = Notice()
    service.s3 = s3_address
    thread = threading.Thread(target=service.server.serve_forever, daemon=True)
    thread.start()
    yield service
    service.server.shutdown()
    service.server.server_close()


@pytest.fixture
def s3_address() -> Iterator[str]:
    """An S3 of our own."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_address: str) -> str:
    """A bucket in it."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    aws: Any = boto3
    s3 = aws.client("s3", endpoint_url=s3_address, region_name="us-east-1", **keys)
    s3.create_bucket(Bucket="training-runs")
    return "training-runs"
