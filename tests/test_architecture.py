"""The house rules that no linter knows: public names, light imports, size, shipped data."""

from __future__ import annotations

import ast
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

import assistant

ROOT = Path(__file__).parents[1]
PACKAGES = ("evals", "ui", "assistant", "tools", "knowledge")
HEAVY = (
    "langchain",
    "langchain_core",
    "langgraph",
    "boto3",
    "botocore",
    "numpy",
    "torch",
    "chromadb",
)
FUNCTION_LINES, FILE_LINES = 50, 400  # what no review may wave through; the aim is 25 and 300


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def loaded_by(code: str) -> set[str]:
    """Top-level packages that are loaded after running `code` in a process of its own."""
    program = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    env = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_public_names_of_the_assistant() -> None:
    assert set(assistant.__all__) >= {
        "Answer", "Assistant", "AssistantError", "Settings", "build_assistant",
    }  # fmt: skip
    for name in assistant.__all__:
        assert getattr(assistant, name)


@pytest.mark.parametrize(
    "code",
    [
        "import assistant; assistant.build_assistant()",
        "import ui.cli",
        "from assistant import build_assistant as b;"
        "b().run_tool('compare_instances', {'names': ['g5', 'g4dn']})",
        "from assistant import build_assistant as b; b().complete_names('g5')",
        "import tools.instances, tools.results, tools.facts",
        "import knowledge.ec2.catalogue as c; c.load_catalogue().prices_file",
    ],
)
def test_what_needs_no_graph_imports_none(code: str) -> None:
    """The graph costs most of a second; only an answer may pay for it."""
    assert loaded_by(code) & set(HEAVY) == set()


def test_an_answer_imports_no_aws_client_and_no_numeric_stack() -> None:
    code = (
        "from assistant import Settings, build_assistant as b; b(Settings(log=False)).ask('g5は?')"
    )
    loaded = loaded_by(code)
    assert "langgraph" in loaded
    assert loaded & {"boto3", "botocore", "torch", "chromadb", "inspect_ai", "moto"} == set()


def test_the_help_imports_no_catalogue() -> None:
    quiet = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): "
    loaded = loaded_by(f"from ui.cli import run\n{quiet}run(['--help'])")
    assert loaded & {*HEAVY, "pydantic"} == set()


def test_tools_and_knowledge_touch_no_network_module() -> None:
    allowed = {"knowledge/ec2/rebuild.py"}
    for package in ("tools", "knowledge"):
        for path in (ROOT / package).rglob("*.py"):
            relative = path.relative_to(ROOT).as_posix()
            if relative in allowed or "refresh" in path.name or "ingest" in relative:
                continue
            names = {name.partition(".")[0] for name in imports(path)}
            assert names & {"socket", "http", "requests", "httpx", "urllib3"} == set(), relative


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_every_module_says_what_it_is() -> None:
    bare = [p for p in modules() if not ast.get_docstring(ast.parse(p.read_text("utf-8")))]
    assert [p for p in bare if p.read_text("utf-8").strip()] == []


def test_no_function_and_no_file_grows_without_end() -> None:
    for path in modules():
        text = path.read_text("utf-8")
        assert text.count("\n") <= FILE_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                assert lines <= FUNCTION_LINES, (path, node.name, lines)


def test_money_is_no_float() -> None:
    """Prices are Decimal from the file to the screen."""
    for path in (ROOT / "tools").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                if "usd" in node.target.id or "jpy" in node.target.id:
                    assert "float" not in ast.unparse(node.annotation), (path, node.target.id)


def test_the_package_ships_its_data() -> None:
    """Every data file in a package is matched by a pattern of package-data."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    patterns = config["tool"]["setuptools"]["package-data"]
    training = ROOT / "knowledge" / "embedder" / "data"  # read by the training script only
    for package in PACKAGES:
        folder = ROOT / package
        shipped = {path for pattern in patterns.get(package, []) for path in folder.glob(pattern)}
        data = {
            path
            for path in folder.rglob("*")
            if path.is_file()
            and path.suffix not in (".py", ".pyc")
            and training not in path.parents
        }
        assert data - shipped == set()


def test_no_test_folder_is_a_package() -> None:
    """`tests/tools/__init__.py` would shadow the real `tools`."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_the_version_is_told_once() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    version = config["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert version in changelog or "Unreleased" in changelog


def test_the_network_is_off_in_tests() -> None:
    """Only this machine can be reached; the address is reserved for documentation."""
    with socket.socket() as client, pytest.raises(SocketConnectBlockedError):
        client.connect(("192.0.2.1", 80))
