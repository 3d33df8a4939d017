"""Bundles: runnable code with configuration, launcher, requirements and README, made from a plan.

Enters: a `BundleRequest` (workload and its options). Leaves: a verified `Bundle`, or a
`BundleRefusal` with reasons. Nothing is written to disk here but by `bundle.write_bundle`.
spec.py says how a workload is added. The names below are imported when they are first used: an
answer about specifications shall not pay for twelve workloads.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.codegen.bundle import read_bundle, write_bundle, zip_bundle
    from tools.codegen.generation import generate
    from tools.codegen.registry import WORKLOADS, find_workload
    from tools.codegen.spec import Bundle, BundleRefusal, BundleRequest, Check, Workload
    from tools.codegen.verify import verify_folder

__all__ = [
    "WORKLOADS",
    "Bundle",
    "BundleRefusal",
    "BundleRequest",
    "Check",
    "Workload",
    "find_workload",
    "generate",
    "read_bundle",
    "verify_folder",
    "write_bundle",
    "zip_bundle",
]
_PLACES = {
    "generate": "generation",
    "verify_folder": "verify",
    "WORKLOADS": "registry",
    "find_workload": "registry",
    "read_bundle": "bundle",
    "write_bundle": "bundle",
    "zip_bundle": "bundle",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that holds it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"tools.codegen.{_PLACES.get(name, 'spec')}"), name)
