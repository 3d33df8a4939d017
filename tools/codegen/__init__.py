"""Bundles: runnable code with configuration, launcher, requirements and README, made from a plan.

Enters: a `BundleRequest` (workload and its options). Leaves: a verified `Bundle`, or a
`BundleRefusal` with reasons. Nothing is written to disk here but by `bundle.write_bundle`.
spec.py says how a workload is added.
"""
