"""What is deployed: each file by its own checker, and its start commands without Docker."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
MANIFESTS = sorted(set(KUBERNETES.glob("*.yaml")) - {KUBERNETES / "kustomization.yaml"})
ASK = [sys.executable, "-c", "from ui.cli import main; main()"]
DEAD_PROXY = "http://127.0.0.1:9"  # whatever tries to download something fails


def checker(name: str) -> str:
    """Return the path of a program that pip installed."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}")
    return found


def passes(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


def documents() -> list[dict[str, Any]]:
    return [item for path in MANIFESTS for item in yaml.safe_load_all(path.read_text("utf-8"))]


# -- each by its own checker ---------------------------------------------------------------------


def test_the_dockerfile_passes_hadolint() -> None:
    passes(checker("hadolint"), "--failure-threshold", "style", "Dockerfile")


def test_the_compose_file_follows_the_specification() -> None:
    passes(checker("check-jsonschema"), "--builtin-schema", "vendor.compose-spec",
           "docker-compose.yml")  # fmt: skip


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_are_valid_kubernetes(path: Path) -> None:
    passes(checker("kubernetes-validate"), "--strict", str(path))


def test_the_kustomization_names_every_manifest() -> None:
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert sorted(listed) == sorted(path.name for path in MANIFESTS)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_ask_without_privileges(path: Path, tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text("utf-8"))
    service = unit["Service"]
    assert service["ExecStart"].startswith("/opt/ask/bin/ask ")
    assert (service["DynamicUser"], service["ProtectSystem"]) == ("yes", "strict")
    if verify := shutil.which("systemd-analyze"):
        copy = tmp_path / path.name
        copy.write_text(path.read_text("utf-8").replace("/opt/ask/bin/ask", "/bin/true"), "utf-8")
        passes(verify, "verify", "--man=no", str(copy))


# -- what reviewers look for ---------------------------------------------------------------------


def test_the_image_runs_as_nobody_special_and_downloads_nothing() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    final = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", final, re.M)
    assert "HEALTHCHECK" in final
    assert "HF_HUB_OFFLINE=1" in final
    assert "pip install" not in final, "the final image has no build step"
    assert "-c constraints.txt" in text


def test_the_image_gets_every_package_it_needs_and_nothing_else() -> None:
    kept = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert kept[0] == "*"
    copied = set(
        re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    )
    sources = {name for line in copied for name in line.split()}
    assert sources == {name.removeprefix("!") for name in kept if name.startswith("!")}
    for name in sources:
        assert (ROOT / name).exists(), name


def test_containers_of_ask_are_locked_down() -> None:
    for name in ("web", "slack", "mcp"):
        service = compose()["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    pods = [
        item["spec"]["template"]["spec"] for item in documents() if item["kind"] == "Deployment"
    ]
    assert len(pods) == 3
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["resources"]["limits"]["memory"]


def test_nothing_is_published_beyond_this_machine_and_no_password_is_the_default() -> None:
    services = compose()["services"]
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert ":?" in services["postgres"]["environment"]["POSTGRES_PASSWORD"]


def test_every_setting_that_is_deployed_exists() -> None:
    from dataclasses import fields

    from assistant.settings import Settings

    texts = [path.read_text("utf-8") for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    texts += [(ROOT / name).read_text("utf-8") for name in ("Dockerfile", "docker-compose.yml")]
    named = {found.lower() for text in texts for found in re.findall(r"\bASK_([A-Z_]+)\b", text)}
    assert named <= {item.name for item in fields(Settings)}


# -- the same commands, without Docker -----------------------------------------------------------


def commands() -> dict[str, list[list[str]]]:
    """Every way in which each service is started."""
    found: dict[str, list[list[str]]] = {"web": [], "slack": [], "mcp": [], "catalog": []}
    default = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    assert default
    started: list[list[str]] = [json.loads(default[1])]
    started += [
        service["command"] for service in compose()["services"].values() if "command" in service
    ]
    for item in documents():
        spec = item.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            (container,) = template["spec"]["containers"]
            started += [container["args"]] if "args" in container else []
    for path in UNITS:
        line = re.search(r"^ExecStart=\S+ (.+)$", path.read_text("utf-8"), re.M)
        assert line
        started.append(shlex.split(line[1]))
    for argv in started:
        found[argv[0]].append(argv)
    return found


def test_every_start_command_is_understood() -> None:
    from ui.cli import run

    for name, ways in commands().items():
        assert len(ways) >= 2, name
        for argv in ways:
            assert run([*argv, "--help"]) == 0, argv  # unknown options are refused first


def test_slack_without_its_tokens_says_which_are_missing() -> None:
    done = subprocess.run(
        [*ASK, *commands()["slack"][0]], cwd=ROOT, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 3
    assert "ASK_SLACK_BOT_TOKEN" in done.stderr


@pytest.mark.parametrize("name", ["web", "mcp"])
def test_a_server_starts_is_healthy_and_ends_when_told(
    name: str, tmp_path: Path, postgres: PostgresServer
) -> None:
    """As in the container: settings from the environment, no network, the health check's script."""
    (argv,) = [way for way in commands()[name] if "--port" in way and "0.0.0.0" in way][:1]
    port = free_port()
    argv = [str(port) if word.isdecimal() else word for word in argv]
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "ASK_DATA_DIR": str(tmp_path / "data"),
        "ASK_STATE_URL": postgres.new_database(),
        "ASK_MCP_TOKEN": "for-this-test",
        "HTTP_PROXY": DEAD_PROXY,
        "HTTPS_PROXY": DEAD_PROXY,
        "NO_PROXY": "127.0.0.1,localhost",
        "HEALTH_URL": f"http://127.0.0.1:{port}/healthz",
    }
    health = [sys.executable, str(ROOT / "deploy" / "health.py")]
    assert subprocess.run(health, env=env, capture_output=True, timeout=20).returncode == 1
    server = subprocess.Popen([*ASK, *argv], cwd=ROOT, env=env, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 180
        while subprocess.run(health, env=env, capture_output=True, timeout=20).returncode:
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server is not healthy"
            time.sleep(0.3)
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    finally:
        server.kill()
        server.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
