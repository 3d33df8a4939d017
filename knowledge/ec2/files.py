"""Write catalogue files: stable bytes, one record a line, replaced atomically, with a manifest."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from knowledge.ec2.catalogue import MANIFEST, InstanceTypesFile
from knowledge.ec2.schema import InstanceType, Manifest, Record, Source

TYPES_FILE = "instance_types.json"

_SERIES_ORDER = ("C", "P", "G", "Inf", "Trn")


def catalogue_order(item: InstanceType) -> tuple[int, int, str, int, float, bool, str]:
    """Sort key of the types file: series, generation, family, then size."""
    gpus = item.gpu.count if item.gpu else 0
    place = (_SERIES_ORDER.index(item.series), item.generation, item.family)
    return (*place, item.vcpus, gpus, item.bare_metal, item.name)


def build_types_file(
    types: Iterable[InstanceType], sources: Iterable[Source], other_types: Iterable[str]
) -> InstanceTypesFile:
    """Return a types file in catalogue order with the sources that its types cite, newest first."""
    ordered = sorted(types, key=catalogue_order)
    cited = {item.source for item in ordered}
    used = {source.id: source for source in sources if source.id in cited}
    return InstanceTypesFile(
        sources=tuple(sorted(used.values(), key=lambda source: source.as_of, reverse=True)),
        types=tuple(ordered),
        other_types=tuple(sorted(set(other_types))),
    )


def render_types_file(file: InstanceTypesFile) -> bytes:
    """Return the file as JSON with one type, and one family of other names, a line."""
    lines = [
        '{"sources":[',
        _records(file.sources),
        '],"types":[',
        _records(file.types),
        '],"other_types":[',
        _names(file.other_types),
        "]}",
    ]
    return ("\n".join(line for line in lines if line) + "\n").encode()


def write_types(
    target: Path, file: InstanceTypesFile, *, created: date, keep: Manifest | None
) -> Manifest:
    """Replace the types file of a directory, then its manifest, and return the manifest.

    `keep` is the manifest whose other files stay valid in the directory.

    A kill between the two leaves a hash that does not match; the catalogue then falls back to the
    packaged file with a warning, so no state in between is ever read as data.
    """
    target.mkdir(parents=True, exist_ok=True)
    content = render_types_file(file)
    manifest = Manifest(
        created=created,
        counts=(keep.counts if keep else {}) | count_types(file),
        sha256=(keep.sha256 if keep else {}) | {TYPES_FILE: digest(content)},
    )
    replace_file(target / TYPES_FILE, content)
    write_manifest(target, manifest)
    return manifest


def count_types(file: InstanceTypesFile) -> dict[str, int]:
    """Return the counts that a manifest states of a types file."""
    regions = {region for item in file.types for region in item.regions}
    return {
        "types": len(file.types),
        "listed_types": sum(item.listed for item in file.types),
        "other_types": len(file.other_types),
        "offering_regions": len(regions),
    }


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Replace the manifest of a directory."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, sort_keys=True)
    replace_file(directory / MANIFEST, (text + "\n").encode())


def digest(content: bytes) -> str:
    """Return the hash by which a manifest names a file's content."""
    return hashlib.sha256(content).hexdigest()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new, even after a crash."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _records(records: Iterable[Record]) -> str:
    return ",\n".join(_compact(record.model_dump(mode="json")) for record in records)


def _names(names: Iterable[str]) -> str:
    families: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        families[name.partition(".")[0]].append(name)
    return ",\n".join(_compact(family)[1:-1] for family in families.values())


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
