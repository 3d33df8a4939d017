"""Every workload but llm-train is generated and really run, with the libraries that it pins."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from knowledge.ec2.catalogue import Catalogue
from tests.tools.codegen.executing import execute, made, metrics, smoke
from tools.codegen import write_bundle


def table(*paths: Path) -> Any:
    """Return a data frame of CSV files, or of a Parquet file or folder. Its types are unknown."""
    pandas: Any = pytest.importorskip("pandas")
    if paths[0].suffix == ".csv":
        return pandas.concat(pandas.read_csv(path) for path in paths)
    return pandas.read_parquet(paths[0])


def test_dask_fills_gaps_and_scales_without_infinities(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    pytest.importorskip("dask")
    smoke(made(catalogue, "dask-preprocess", instance="c6i.xlarge"), tmp_path)
    train, valid = (table(tmp_path / "smoke/output" / name) for name in ("train", "valid"))
    assert len(train) + len(valid) == 2000 and 100 < len(valid) < 300
    numbers = train[["amount", "age"]]
    assert np.isfinite(numbers.to_numpy()).all()
    assert numbers.mean().abs().max() < 1e-3 and abs(numbers["amount"].std() - 1) < 0.01
    assert set(train["city"]) == {"tokyo", "osaka"} and set(train["label"]) == {0, 1}
    raw = table(*sorted((tmp_path / "smoke").glob("*.csv")))
    assert raw["age"].isna().any() and (raw["amount"] == 0).any()
    statistics = json.loads((tmp_path / "smoke/output/statistics.json").read_text())
    assert statistics["mean"]["amount"] == pytest.approx(np.log1p(raw["amount"]).mean(), rel=0.05)


def test_dask_works_on_a_cluster_that_is_there(catalogue: Catalogue, tmp_path: Path) -> None:
    distributed: Any = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        bundle = made(catalogue, "dask-preprocess", scheduler=cluster.scheduler_address)
        done = smoke(bundle, tmp_path, PYTHONPATH=str(tmp_path))
    assert cluster.scheduler_address in done.stdout


@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softprob", "reg:squarederror"])
def test_xgboost_saves_its_best_round(catalogue: Catalogue, tmp_path: Path, objective: str) -> None:
    xgboost: Any = pytest.importorskip("xgboost")
    smoke(made(catalogue, "xgboost", instance="c6i.xlarge", objective=objective), tmp_path)
    booster = xgboost.Booster(model_file=tmp_path / "smoke/output/model.ubj")
    measured = metrics(tmp_path)
    assert booster.num_boosted_rounds() == measured["rounds"] == booster.best_iteration + 1
    if objective == "binary:logistic":
        assert measured["test_auc"] > 0.95


def test_spark_predicts_and_sets_unreadable_rows_aside(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    done = smoke(made(catalogue, "spark-batch", instance="c6i.4xlarge"), tmp_path)
    assert "497 行を推論し、3 行を除外しました" in done.stdout
    rows = table(tmp_path / "smoke/output/predictions")
    expected = 2 * rows["amount"].astype(float) - rows["age"]
    assert np.allclose(rows["prediction"], expected)
    assert len(table(tmp_path / "smoke/output/rejected")) == 3
    assert (tmp_path / "smoke/mlflow.db").is_file()


@pytest.mark.parametrize("instance", ["c6i.xlarge", "c7g.xlarge"])
def test_cpu_inference_adds_the_models_outputs(
    catalogue: Catalogue, tmp_path: Path, instance: str
) -> None:
    onnx: Any = pytest.importorskip("onnx")
    smoke(made(catalogue, "cpu-infer", instance=instance), tmp_path)
    rows = table(tmp_path / "smoke/output/predictions.parquet")
    weights = onnx.load(tmp_path / "smoke/model.onnx").graph.initializer[0]
    features = rows[[f"x{number}" for number in range(8)]].to_numpy(np.float32)
    scores = features @ onnx.numpy_helper.to_array(weights)
    assert (rows["label"] == scores.argmax(axis=1)).all()
    assert np.allclose(np.stack(rows["probabilities"]).sum(axis=1), 1, atol=1e-5)
    assert metrics(tmp_path)["rows"] == len(rows) == 1000


@pytest.mark.parametrize(("precision", "low", "high"), [("fp16", 1e-6, 0.05), ("fp32", 0, 0)])
def test_tensorrt_falls_back_to_onnx_runtime_in_the_precision_asked_for(
    catalogue: Catalogue, tmp_path: Path, precision: str, low: float, high: float
) -> None:
    pytest.importorskip("onnxruntime")
    smoke(made(catalogue, "tensorrt", precision=precision), tmp_path)
    measured = metrics(tmp_path)
    assert measured["backend"].startswith("ONNX Runtime")
    assert low <= measured["largest_difference_from_fp32"] <= high
    assert np.load(tmp_path / "smoke/output/outputs.npz")["scores"].shape == (20, 5)


def test_every_frame_of_a_file_is_looked_at(catalogue: Catalogue, tmp_path: Path) -> None:
    cv2: Any = pytest.importorskip("cv2")
    smoke(made(catalogue, "video-detect", write_video=True), tmp_path)
    lines = (tmp_path / "smoke/output/detections.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["frame"] for row in rows] == list(range(1, 21))
    assert all(row["objects"] for row in rows)
    written = cv2.VideoCapture(str(tmp_path / "smoke/output/video.mp4"))
    assert written.get(cv2.CAP_PROP_FRAME_COUNT) == 20


CHANNELS = """
import numpy, sys, types
import detect
seen = []
class Processor:
    def __call__(self, images, **_):
        seen.append(images)
        raise SystemExit
detector = detect.Detector.__new__(detect.Detector)
detector.processor = Processor()
frame = numpy.zeros((4, 4, 3), numpy.uint8)
frame[..., 2] = 255
try:
    detector(frame)
except SystemExit:
    print(seen[0][0, 0].tolist())
"""


def test_frames_reach_the_model_as_rgb(catalogue: Catalogue, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    write_bundle(made(catalogue, "video-detect"), tmp_path)
    done = execute(tmp_path, sys.executable, "-c", CHANNELS)
    assert done.stdout.strip() == "[255, 0, 0]"  # red, which OpenCV keeps last


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A server of the files in `tmp_path`: a stream that ends, again and again."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_stream_that_breaks_is_connected_again(
    catalogue: Catalogue, tmp_path: Path, web: str
) -> None:
    pytest.importorskip("cv2")
    smoke(made(catalogue, "video-detect"), tmp_path)  # makes the model and the video
    source = f"{web}/smoke/input.mp4"
    bundle = made(catalogue, "video-detect", source=source, model=str(tmp_path / "smoke/model"))
    write_bundle(bundle, tmp_path, force=True)
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace("max_frames = 0", "max_frames = 4"))
    done = execute(tmp_path, "./launch.sh")
    measured = json.loads((tmp_path / "output/metrics.json").read_text())
    assert measured["frames"] == 4
    assert measured["connections"] > 1 and measured["dropped"] > 0
    assert "つなぎ直します" in done.stdout


def test_vit_trains_in_two_processes_and_goes_on(catalogue: Catalogue, tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers")
    pytest.importorskip("lightning")
    done = smoke(made(catalogue, "vit-lightning", instance="g5.12xlarge"), tmp_path)
    assert "Starting with 2 processes" in done.stderr + done.stdout
    model = transformers.ViTForImageClassification.from_pretrained(tmp_path / "smoke/output/model")
    assert model.config.id2label == {0: "blue", 1: "green", 2: "red"}
    again = execute(tmp_path, "./launch.sh", "--smoke")
    assert "last.ckpt" in again.stderr + again.stdout


def test_sagemaker_endpoint_is_made_called_and_deleted(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    done = smoke(made(catalogue, "sagemaker-realtime"), tmp_path)
    assert '手元での応答: [{"label": "LABEL_' in done.stdout
    assert '応答: [{"label": "LABEL_0", "score": 0.5}]' in done.stdout
    assert "削除しました" in done.stdout


def test_multi_model_endpoint_serves_each_model(catalogue: Catalogue, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    done = smoke(made(catalogue, "sagemaker-multimodel"), tmp_path)
    assert "churn: {" in done.stdout and "price: {" in done.stdout
    assert "削除しました" in done.stdout


TRITON = """
import smoke, triton, onnx, json, pathlib
onnx.save(smoke.linear(4, 2), "churn.onnx")
model = triton.read_model(pathlib.Path("churn.onnx"))
print(triton.describe(model, max_batch=8, gpu=True))
print(json.dumps(triton.sample_request(model)))
"""


def test_tritons_configuration_follows_the_model(catalogue: Catalogue, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    write_bundle(made(catalogue, "sagemaker-multimodel"), tmp_path)
    text = execute(tmp_path, sys.executable, "-c", TRITON).stdout
    assert 'platform: "onnxruntime_onnx"' in text and "max_batch_size: 8" in text
    assert '{ name: "features" data_type: TYPE_FP32 dims: [ 4 ] }' in text
    assert "instance_group [{ count: 1 kind: KIND_GPU }]" in text
    row: dict[str, Any] = json.loads(text.splitlines()[-1])["inputs"][0]
    assert (row["shape"], row["data"]) == ([1, 4], [0, 0, 0, 0])


HOSTING = """
import json, boto3, mock_aws, hosting
region = "ap-northeast-1"
mock_aws.start(region, "my-bucket")
endpoint = hosting.Endpoint(
    name="e", region=region, role="arn:aws:iam::123456789012:role/r", image="image",
    model_data="s3://my-bucket/m.tar.gz", multi_model=False, version="one", environment={},
    instance_type=mock_aws.INSTANCE_TYPE, min_instances=1, max_instances=3,
    invocations_per_minute=600.0)
sagemaker = boto3.client("sagemaker", region_name=region)
scaling = boto3.client("application-autoscaling", region_name=region)
def state():
    endpoints = sagemaker.list_endpoints()["Endpoints"]
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")
    return {
        "endpoints": [item["EndpointName"] for item in endpoints],
        "configs": [item["EndpointConfigName"] for item in configs],
        "models": [item["ModelName"] for item in sagemaker.list_models()["Models"]],
        "targets": [item["MaxCapacity"] for item in targets["ScalableTargets"]],
    }
states = []
for step in (hosting.deploy, hosting.deploy, hosting.delete, hosting.delete):
    step(endpoint)
    states.append(state())
print(json.dumps(states))
"""


def test_deploying_and_deleting_twice_is_the_same_as_once(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    pytest.importorskip("moto")
    write_bundle(made(catalogue, "sagemaker-multimodel"), tmp_path)
    done = execute(tmp_path, sys.executable, "-c", HOSTING)
    once, twice, deleted, again = json.loads(done.stdout.splitlines()[-1])
    assert once == twice == {
        "endpoints": ["e"], "configs": ["e-one"], "models": ["e-one"], "targets": [3],
    }  # fmt: skip
    assert deleted == again == {"endpoints": [], "configs": [], "models": [], "targets": []}


UPDATE = """
import boto3, hosting, mock_aws
from botocore.stub import Stubber
from datetime import datetime
region = "ap-northeast-1"
mock_aws.start(region, "my-bucket")
real, now = hosting.client, datetime(2026, 1, 1)
endpoint = {"EndpointName": "e", "EndpointArn": "arn:aws:sagemaker:r:1:endpoint/e" * 2,
            "EndpointStatus": "InService", "CreationTime": now, "LastModifiedTime": now}
config = {"EndpointConfigName": "e-two", "EndpointConfigArn": "arn:aws:sagemaker:r:1:c/e" * 2,
          "ProductionVariants": [{"VariantName": "main"}], "CreationTime": now}
sagemaker = boto3.client("sagemaker", region_name=region)
stub = Stubber(sagemaker)
stub.add_response("describe_endpoint_config", config)
stub.add_response("describe_endpoint", endpoint)
stub.add_response("describe_endpoint", endpoint | {"EndpointConfigName": "e-one"})
stub.add_response("update_endpoint", {"EndpointArn": endpoint["EndpointArn"]},
                  {"EndpointName": "e", "EndpointConfigName": "e-two"})
stub.add_response("describe_endpoint", endpoint)
stub.activate()
hosting.client = lambda name, region: sagemaker if name == "sagemaker" else real(name, region)
hosting.scale = lambda endpoint: None
hosting.deploy(hosting.Endpoint(
    name="e", region=region, role="r", image="i", model_data="s3://b/m", multi_model=False,
    version="two", environment={}, instance_type="ml.g5.xlarge", min_instances=1,
    max_instances=2, invocations_per_minute=1.0))
stub.assert_no_pending_responses()
print("updated")
"""


def test_a_new_version_updates_the_endpoint_in_place(catalogue: Catalogue, tmp_path: Path) -> None:
    """By botocore's own model of the API; moto cannot update endpoints."""
    pytest.importorskip("moto")
    write_bundle(made(catalogue, "sagemaker-multimodel"), tmp_path)
    assert "updated" in execute(tmp_path, sys.executable, "-c", UPDATE).stdout
