"""Checks that hold for every bundle, computed from its files and the catalogue.

Each takes the folder and the catalogue and yields what it compared. A file that is missing or
cannot be parsed raises UnreadableFileError, which `verify` turns into a failed check.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import InstanceType, Price
from tools.codegen.folder import Folder, UnreadableFileError
from tools.codegen.spec import Check, failed, judged, passed
from tools.codegen.wheels import torch_wheel, versions
from tools.profiles import Quote

_PLATFORM = re.compile(r"--platform[= ]linux/(\w+)")
_EXPECTED_ARCH = re.compile(r"^expected_arch=(\S+)", re.MULTILINE)
_DOCKER_ARCH = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
_VLLM_PINS = ("torch", "transformers")
HARMFUL = {
    "FI_PROVIDER": "aws-ofi-nccl は自動で efa を選びます",
    "FI_EFA_USE_DEVICE_RDMA": "libfabric 1.18 以降では不要です",
    "RDMAV_FORK_SAFE": "libfabric 1.18 以降では不要です",
    "NCCL_PROTO": "固定すると遅くなることがあります",
    "NCCL_SOCKET_NTHREADS": "EFA では効きません",
    "NCCL_BUFFSIZE": "固定すると遅くなることがあります",
    "PYTORCH_CUDA_ALLOC_CONF": "今の名前は PYTORCH_ALLOC_CONF です",
    "TRANSFORMERS_CACHE": "今の名前は HF_HOME です",
}
"""Variables that old recipes set and that today's libraries do not want, with the reason."""


def threads_within_cores(threads: int, instance: InstanceType) -> Check:
    """Return whether threads are at most the physical cores: more of them only wait."""
    return judged(
        "threads",
        1 <= threads <= instance.cores,
        f"{threads} スレッド、{instance.name} は {instance.cores} 物理コア",
        f"{threads} threads on {instance.cores} physical cores",
    )


def instance_of(folder: Folder, catalogue: Catalogue) -> InstanceType:
    """Return the instance type that the bundle is for. Raises UnreadableFileError."""
    try:
        return catalogue.types[folder.manifest["sheet"]["instance"]["name"]]
    except (KeyError, TypeError) as error:
        raise UnreadableFileError("bundle.json", f"sheet.instance ({error})") from error


def exported(folder: Folder, path: str = "launch.sh") -> dict[str, str]:
    """Return the variables that a launch script exports with a fixed value."""
    found: dict[str, str] = {}
    for line in folder.files.get(path, "").splitlines():
        if line.strip().startswith("export "):
            for word in shlex.split(line.strip().removeprefix("export "), comments=True):
                name, equals, value = word.partition("=")
                if equals:
                    found[name] = value
    return found


def files_parse(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Every file is readable by its language's parser."""
    del catalogue
    broken = [
        f"{path}: {cause}"
        for path, text in folder.files.items()
        if (cause := _parse_error(path, text))
    ]
    count = len(folder.files)
    yield judged(
        "files_parse",
        not broken,
        f"{count} ファイルを構文解析" if not broken else f"構文エラー: {'、'.join(broken)}",
        f"{count} files parsed" if not broken else f"syntax errors: {'; '.join(broken)}",
    )


def _parse_error(path: str, text: str) -> str | None:
    try:
        if path.endswith(".py"):
            ast.parse(text)
        elif path.endswith(".json"):
            json.loads(text)
        elif path.endswith(".toml"):
            tomllib.loads(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        return str(error)
    return None


def files_listed(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The files of the manifest are there; those changed since generation are named."""
    del catalogue
    from tools.codegen.bundle import sha256

    listed: dict[str, str] = folder.manifest.get("files", {})
    missing = [path for path in listed if path not in folder.files]
    changed = [
        path for path, digest in listed.items() if path in folder.files
        and sha256(folder.files[path]) != digest
    ]  # fmt: skip
    if missing or not listed:
        names = "、".join(missing) or "bundle.json"
        yield failed("files_listed", f"足りないファイル: {names}", f"missing files: {names}")
    elif changed:
        names = "、".join(changed)
        yield passed(
            "files_listed",
            f"生成後に変わったファイル: {names}(今の内容を検査)",
            f"changed since generation: {names} (checked as they are now)",
        )
    else:
        yield passed("files_listed", "ハッシュはすべて一致", "all hashes match")


def architecture(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Images and launch scripts are for the instance's CPU architecture."""
    instance = instance_of(folder, catalogue)
    wrong = {
        path: arch
        for path, text in folder.files.items()
        if path.endswith(".sh") or "Dockerfile" in path or path.endswith((".yaml", ".yml"))
        for arch in _architectures(text)
        if arch != instance.arch
    }
    listed = "、".join(f"{path} は {arch}" for path, arch in wrong.items())
    yield judged(
        "architecture",
        not wrong,
        f"{instance.name} は {instance.arch}" + (f"なのに {listed}" if wrong else ""),
        f"{instance.name} is {instance.arch}"
        + (f" but {', '.join(wrong)} is not" if wrong else ""),
    )


def _architectures(text: str) -> Iterator[str]:
    for name in _PLATFORM.findall(text):
        yield _DOCKER_ARCH.get(str(name), str(name))
    for name in _EXPECTED_ARCH.findall(text):
        bare = str(name).strip("\"'")
        yield _DOCKER_ARCH.get(bare, bare)


def price(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The price that the bundle states is that of the catalogue."""
    instance = instance_of(folder, catalogue)
    quote = Quote.model_validate(folder.manifest["sheet"]["quote"])
    now = catalogue.purchase(instance.name, quote.region, quote.term)
    stated = quote.usd_per_hour
    current = now.usd_per_hour if isinstance(now, Price) else None
    place = f"{instance.name}({quote.region}、{quote.term})"
    if stated == current:
        shown = f"{current} USD/時" if current else "料金は未確認"
        yield passed("price", f"{place}: {shown}", f"{place}: {current or 'no price known'}")
        return
    newer = isinstance(now, Price) and quote.source is not None and now.source != quote.source.id
    ja = f"{place} の料金は {stated} USD/時と書かれていますが、カタログでは {current} USD/時です"
    en = f"{place}: {stated} USD/h is stated, the catalogue says {current}"
    yield passed("price", ja, en) if newer and stated else failed("price", ja, en)


def wheels(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """The torch that requirements.txt names has kernels for the GPU."""
    pins = folder.requirements()
    instance = instance_of(folder, catalogue)
    gpu = catalogue.gpu_of(instance)
    if "torch" not in pins or gpu is None:
        return
    wheel = torch_wheel(pins["torch"], instance.arch)
    if wheel is None:
        known = "、".join(sorted({versions()["torch"]}))
        yield failed(
            "wheels",
            f"torch {pins['torch']}({instance.arch})にどの GPU のカーネルがあるか確かめていません"
            f"(確認済み: {known})",
            f"the kernels of torch {pins['torch']} for {instance.arch} are not known",
        )
        return
    has = wheel.runs_on(gpu)
    kernels = "、".join(wheel.kernels)
    yield judged(
        "wheels",
        has,
        f"torch {wheel.version}({instance.arch}、CUDA {wheel.cuda})のカーネル {kernels} は "
        f"{gpu.model}(compute capability {gpu.compute_capability})で"
        + ("動く" if has else "動かない"),
        f"torch {wheel.version} ({instance.arch}) has {'' if has else 'no '}kernels for "
        f"{gpu.model}",
    )


def requirement_conflicts(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """Packages that bring their own torch are not pinned beside another one."""
    del catalogue
    pins = folder.requirements()
    if "vllm" not in pins:
        return
    beside = [name for name in _VLLM_PINS if name in pins]
    yield judged(
        "requirements",
        not beside,
        "vllm が torch と transformers の版を決める"
        + (f"ので、{'、'.join(beside)} は書けません" if beside else ""),
        "vllm pins torch and transformers itself" + (f"; remove {beside}" if beside else ""),
    )


def environment(folder: Folder, catalogue: Catalogue) -> Iterator[Check]:
    """No variable of an old recipe is exported."""
    del catalogue
    names = {
        name for path in folder.files if path.endswith(".sh") for name in exported(folder, path)
    }
    harmful = sorted(names & set(HARMFUL))
    yield judged(
        "environment",
        not harmful,
        "環境変数は今の NCCL・EFA・PyTorch に合う"
        if not harmful
        else "設定してはいけない環境変数: " + "、".join(f"{n}({HARMFUL[n]})" for n in harmful),
        "environment variables suit today's NCCL, EFA and PyTorch"
        if not harmful
        else f"variables that must not be set: {', '.join(harmful)}",
    )


GENERIC = (
    files_parse,
    files_listed,
    architecture,
    price,
    wheels,
    requirement_conflicts,
    environment,
)
