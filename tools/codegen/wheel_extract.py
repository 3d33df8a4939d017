"""Argument lists of libraries that cannot run here, out of their wheels: data/wheel_names.json.

    pip download --no-deps -d DIR vllm==0.33.0 tensorrt_cu13_bindings==11.4.0.106 \
        sagemaker-core==2.27.0 botocore==1.43.117
    python -m tools.codegen.wheel_extract DIR

Nothing is installed or imported: Python sources are parsed, the TensorRT library is searched for
the names that its bindings register. The file keeps each wheel's name and hash.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent / "data" / "wheel_names.json"
TENSORRT_USED = (
    "Logger", "Builder", "create_network", "STRONGLY_TYPED", "OnnxParser", "parse", "num_errors",
    "get_error", "create_builder_config", "set_memory_pool_limit", "WORKSPACE",
    "create_optimization_profile", "num_inputs", "get_input", "set_shape",
    "add_optimization_profile", "build_serialized_network", "Runtime", "deserialize_cuda_engine",
    "create_execution_context", "get_tensor_name", "num_io_tensors", "get_tensor_mode", "OUTPUT",
    "set_input_shape", "set_tensor_address", "execute_async_v3", "get_tensor_dtype",
    "get_tensor_shape", "nptype", "MemoryPoolType", "NetworkDefinitionCreationFlag",
    "TensorIOMode", "WARNING", "INetworkDefinition", "IBuilderConfig",
)  # fmt: skip
TENSORRT_OLD = (
    "EXPLICIT_BATCH", "FP16", "INT8", "max_workspace_size", "build_engine", "get_binding_index",
    "num_bindings", "execute_async_v2", "execute_v2", "build_cuda_engine", "platform_has_fast_fp16",
)  # fmt: skip
"""Spellings of TensorRT 8 to 10 that old examples use."""
VLLM_SOURCES = {
    "engine": ("vllm/engine/arg_utils.py", "EngineArgs"),
    "server_base": ("vllm/entrypoints/common/cli_args.py", "BaseFrontendArgs"),
    "server": ("vllm/entrypoints/common/cli_args.py", "FrontendArgs"),
    "sampling": ("vllm/sampling_params.py", "SamplingParams"),
}
VLLM_CHOICES = {
    "dtype": ("vllm/config/model.py", "ModelDType"),
    "kv_cache_dtype": ("vllm/config/cache.py", "CacheDType"),
    "quantization": ("vllm/model_executor/layers/quantization/__init__.py", "QuantizationMethods"),
}
IMAGES = {
    "pytorch-inference": (
        "pytorch", "inference", "2.6.0", {"gpu": "-gpu-py312", "cpu": "-cpu-py312"},
    ),
    "pytorch-inference-arm64": (
        "pytorch", "inference_graviton", "2.6.0", {"cpu": "-cpu-py312-ubuntu22.04-sagemaker"},
    ),
    "sagemaker-tritonserver": (
        "sagemaker-tritonserver", None, "26.05", {"gpu": "-py3", "cpu": "-py3-cpu"},
    ),
}  # fmt: skip
"""Image repository -> file of sagemaker-core, scope, version, tag suffix by processor."""


def main(folder: Path) -> None:
    """Write the names of the wheels in `folder`."""
    readers = {
        "vllm": read_vllm,
        "tensorrt_cu13_bindings": read_tensorrt,
        "sagemaker_core": read_images,
        "botocore": read_hosting_types,
    }
    found = {
        package: {"wheel": path.name, "sha256": sha256(path), **read(zipfile.ZipFile(path))}
        for package, read in readers.items()
        for path in [next(folder.glob(f"{package}-*.whl"))]
    }
    OUTPUT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_vllm(wheel: zipfile.ZipFile) -> dict[str, Any]:
    """Return the arguments of engine, server and sampling, and the values of three of them."""
    fields = {
        key: list(_fields(_tree(wheel, path), name)) for key, (path, name) in VLLM_SOURCES.items()
    }
    choices = {
        key: _literal(_tree(wheel, path), name) for key, (path, name) in VLLM_CHOICES.items()
    }
    offline = _parameters(_tree(wheel, "vllm/entrypoints/llm.py"), "LLM")
    return {
        "engine": sorted(fields["engine"]),
        "server": sorted({*fields["server_base"], *fields["server"]}),
        "sampling": sorted(fields["sampling"]),
        "offline": sorted(offline),
        "choices": choices,
        "requires": _pins(wheel, ("torch", "transformers")),
    }


def _tree(wheel: zipfile.ZipFile, path: str) -> ast.Module:
    return ast.parse(wheel.read(path).decode())


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    return next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)


def _fields(tree: ast.Module, name: str) -> Iterator[str]:
    for node in _class(tree, name).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            if not node.target.id.startswith("_"):
                yield node.target.id


def _parameters(tree: ast.Module, name: str) -> list[str]:
    start = next(
        node
        for node in _class(tree, name).body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    arguments = (*start.args.args, *start.args.kwonlyargs)
    return [argument.arg for argument in arguments if argument.arg != "self"]


def _literal(tree: ast.Module, name: str) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return [n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)]  # pyright: ignore[reportReturnType]
    raise LookupError(name)


def _pins(wheel: zipfile.ZipFile, packages: tuple[str, ...]) -> dict[str, str]:
    path = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    pins: dict[str, str] = {}
    for line in wheel.read(path).decode().splitlines():
        name = line.removeprefix("Requires-Dist: ")
        for package in packages:
            if name != line and name.startswith(package) and name[len(package)] in "<>=":
                pins[package] = name.removeprefix(package)
    return pins


def read_tensorrt(wheel: zipfile.ZipFile) -> dict[str, Any]:
    """Return which names the bindings register, and which old ones they do not."""
    library = wheel.read(next(n for n in wheel.namelist() if n.endswith("/tensorrt.so")))
    package = wheel.read("tensorrt_bindings/__init__.py")

    def registered(name: str) -> bool:
        # A name may be the tail of a longer string that the linker stored once for both.
        return name.encode() + b"\0" in library or f"def {name}(".encode() in package

    return {
        "names": sorted(name for name in TENSORRT_USED if registered(name)),
        "absent": sorted(n for n in TENSORRT_OLD if b"\0" + n.encode() + b"\0" not in library),
    }


def read_images(wheel: zipfile.ZipFile) -> dict[str, Any]:
    """Return the accounts of AWS's images by region, and their tags by processor."""
    images: dict[str, Any] = {}
    for repository, (file, scope, version, suffixes) in IMAGES.items():
        content = json.loads(wheel.read(f"sagemaker/core/image_uri_config/{file}.json"))
        entry = (content[scope] if scope else content)["versions"][version]
        assert repository == entry.get("repository", repository) or scope == "inference_graviton"
        tags = {processor: version + suffix for processor, suffix in suffixes.items()}
        images[repository] = {"accounts": entry["registries"], "tags": tags}
    return {"images": images}


def read_hosting_types(wheel: zipfile.ZipFile) -> dict[str, Any]:
    """Return the instance types that the API takes for a real-time endpoint."""
    path = "botocore/data/sagemaker/2017-07-24/service-2.json"
    packed = f"{path}.gz" in wheel.namelist()
    data = wheel.read(f"{path}.gz" if packed else path)
    model = json.loads(gzip.decompress(data) if packed else data)
    return {"hosting_types": sorted(model["shapes"]["ProductionVariantInstanceType"]["enum"])}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
