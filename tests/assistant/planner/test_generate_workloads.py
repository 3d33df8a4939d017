import pytest

from assistant.app import Assistant

QUESTIONS = [
    ("DaskでC6iの前処理コードを作って", "dask-preprocess", "c6i"),
    ("Dask preprocessing script on c6i.8xlarge please", "dask-preprocess", "c6i.8xlarge"),
    ("c7g.4xlargeでXGBoostの学習コード", "xgboost", "c7g.4xlarge"),
    ("SparkとMLflowのバッチ推論コード", "spark-batch", None),
    ("C7gでONNX RuntimeのCPU推論コード", "cpu-infer", "c7g"),
    ("ViTの学習コード", "vit-lightning", None),
    ("SageMakerのエンドポイント作って", "sagemaker-realtime", None),
    ("create a SageMaker endpoint on g5.xlarge", "sagemaker-realtime", "g5.xlarge"),
    ("マルチモデルエンドポイントのコード", "sagemaker-multimodel", None),
    ("g5.xlargeでTensorRTの推論コードを書いて", "tensorrt", "g5.xlarge"),
    ("RTSPカメラの物体検出のコード", "video-detect", None),
    ("vLLMサーバーの起動スクリプト", "vllm", None),
    ("g5.xlargeでllama-3-8bをvLLMで動かすスクリプト", "vllm", "g5.xlarge"),
]


@pytest.mark.parametrize(("question", "workload", "instance"), QUESTIONS)
def test_a_request_for_code_makes_the_bundle_of_its_workload(
    forgetful: Assistant, question: str, workload: str, instance: str | None
) -> None:
    answer = forgetful.ask(question)
    (call,) = (call for call in answer.tool_calls if call.name == "generate_bundle")
    assert call.args["workload"] == workload
    assert call.args["options"].get("instance") == instance
    assert "検証しました" in answer.answer or "Made and verified" in answer.answer


@pytest.mark.parametrize(
    "question",
    [
        "SageMakerのリアルタイムエンドポイントとは",
        "vLLMのスクリプトが遅い",
        "DaskとSparkの違いは?",
        "TensorRTは何に使う?",
    ],
)
def test_a_question_about_a_workload_makes_no_code(forgetful: Assistant, question: str) -> None:
    assert all(call.name != "generate_bundle" for call in forgetful.ask(question).tool_calls)


def test_a_gpu_that_cannot_run_it_is_refused_in_chat(forgetful: Assistant) -> None:
    answer = forgetful.ask("P3でTensorRTのコード作って")
    assert "検証しました" not in answer.answer and "V100" in answer.answer
