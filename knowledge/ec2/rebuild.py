"""Rebuild the packaged instance types from a moto server. Development only; needs `moto[server]`.

moto ships a recording of DescribeInstanceTypes and of the offerings in 30 regions; it answers the
others with nothing, which the refresh reports and leaves alone. Running our own refresh against it
makes the packaged snapshot and proves the code that refreshes from AWS. No price of moto enters the
catalogue: they are placeholders.

    python -m knowledge.ec2.rebuild
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.ec2.catalogue import MANIFEST, PACKAGED
from knowledge.ec2.files import digest, write_manifest
from knowledge.ec2.refresh import RefreshReport, refresh_specs
from knowledge.ec2.schema import Manifest, Source

if TYPE_CHECKING:
    from collections.abc import Generator

MOTO_SOURCE = Source(
    id="ec2-api-moto-5.2.5",
    title="EC2 DescribeInstanceTypes(moto 5.2.5 同梱の実出力)",
    title_en="EC2 DescribeInstanceTypes (real output shipped with moto 5.2.5)",
    url="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html",
    as_of=date(2026, 10, 27),
)

_DUMMY_LOGIN = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
}


def rebuild(target: Path) -> RefreshReport:
    """Refresh `target` from a moto server that runs for the time of the call."""
    with moto_server() as endpoint_url:
        return refresh_specs(target, source=MOTO_SOURCE, endpoint_url=endpoint_url)


def write_full_manifest(directory: Path) -> Manifest:
    """State the hashes of all data files of a directory in its manifest."""
    manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    files = sorted(path for path in directory.glob("*.json") if path.name != MANIFEST)
    hashes = {path.name: digest(path.read_bytes()) for path in files}
    full = manifest.model_copy(update={"sha256": hashes})
    write_manifest(directory, full)
    return full


@contextmanager
def moto_server() -> Generator[str]:
    """Run a moto server on a free port, log in with dummy credentials, and yield its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    saved = {name: os.environ.get(name) for name in _DUMMY_LOGIN}
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    os.environ.update(_DUMMY_LOGIN)
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def main() -> int:
    """Rebuild the packaged data and return the exit code."""
    report = rebuild(PACKAGED)
    write_full_manifest(PACKAGED)
    failures = "".join(f"\n{region}: {cause}" for region, cause in report.failures.items())
    sys.stderr.write(f"{report.types} types from {len(report.regions)} regions{failures}\n")
    return 1 if report.unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
