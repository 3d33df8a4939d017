"""A PostgreSQL server of the tests' own, started from the packages of Debian."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
USER = "postgres"  # the server refuses to run as root


class PostgresServer:
    """One server with its data in a temporary directory."""

    def __init__(self) -> None:
        """Create the data directory and start; skip the test where there is no server."""
        if not BINARIES:
            pytest.skip("no PostgreSQL server installed")
        pytest.importorskip("psycopg", reason="needs the extra postgres")
        self._bin = BINARIES[-1]
        self._folder = Path(tempfile.mkdtemp(prefix="ask-postgres-"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, USER, USER)
        self._data = self._folder / "data"
        self.port = _free_port()
        self._run("initdb", "-D", str(self._data), "-U", USER, "-A", "trust", "-N", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        """Start, and wait until it accepts connections."""
        # fsync=off: the tests kill processes, not the machine.
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off"
            f" -c unix_socket_directories={self._folder} -c max_connections=200"
        )
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is a crash for everyone connected."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def close(self) -> None:
        """Stop and remove everything."""
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def new_database(self) -> str:
        """Return the address of a new, empty database."""
        import psycopg

        name = f"ask_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", USER, "--", *command]
        done = subprocess.run(
            command, cwd="/", capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
        ) if program != "pg_ctl" else subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stderr)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
