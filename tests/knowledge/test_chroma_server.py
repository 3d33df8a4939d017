"""The store on a real Chroma server: `chroma run` in a process of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from knowledge.document_search import search_documents
from knowledge.errors import KnowledgeError
from knowledge.vectors import open_client
from tests.knowledge.stores import HashEmbedder, check, open_store, put, texts


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("chroma", path=str(Path(sys.executable).parent)) or shutil.which(
        "chroma"
    )
    if program is None:
        pytest.skip("no chroma program")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    process = subprocess.Popen(
        [program, "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(150):
        try:
            urlopen(f"{url}/api/v2/heartbeat", timeout=2).close()
            break
        except (URLError, OSError):
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(20)


def test_generations_live_on_the_server(tmp_path: Path, server: str) -> None:
    embedder = HashEmbedder()
    store = open_store(tmp_path, embedder, server)
    put(store, a="有給休暇は二十日です", b="食堂は十一時に開きます")
    before = embedder.calls
    put(store, a="有給休暇は二十二日です")
    assert embedder.calls == before + 1, "kept vectors are copied, not made anew"
    assert texts(store) == {"a": "有給休暇は二十二日です", "b": "食堂は十一時に開きます"}
    assert store.current
    check(store.current)
    assert search_documents(store.current, embedder, "食堂", 3)[0].chunk.document == "b"
    assert not (store.current.folder / "chroma").exists()


def test_collections_of_old_generations_are_dropped(tmp_path: Path, server: str) -> None:
    store = open_store(tmp_path, chroma_url=server)
    for number in range(4):
        put(store, a=str(number))
    names = {item.name for item in open_client(tmp_path, server).list_collections()}
    kept = {f"ask-{path.name}" for path in (tmp_path / "generations").iterdir()}
    assert len(kept) == 2 and kept <= names
    assert not any(
        name.startswith(("ask-000001", "ask-000002")) and name not in kept
        for name in names
        if name.split("-")[2] in {k.split("-")[2] for k in kept}
    )


def test_a_server_that_does_not_answer_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="ASK_CHROMA_URL"):
        put(open_store(tmp_path, chroma_url="http://127.0.0.1:9"), a="一")
