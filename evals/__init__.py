"""Evaluation of the assistant: frozen datasets, deterministic scorers, runners and a report."""
