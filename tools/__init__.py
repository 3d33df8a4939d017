"""Deterministic tools: pydantic in, pydantic out, no framework and no network."""
