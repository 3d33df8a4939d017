"""Bundles: runnable code with configuration, launcher, requirements and README, made from a plan.

Enters: a `BundleRequest` (workload and its options). Leaves: a verified `Bundle`, or a
`BundleRefusal` with reasons. Nothing is written to disk here but by `bundle.write_bundle`.
spec.py says how a workload is added.
"""

from tools.codegen.bundle import read_bundle, write_bundle, zip_bundle
from tools.codegen.generate import generate
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
