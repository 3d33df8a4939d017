"""The workloads: each turns its options into a draft of a bundle."""
