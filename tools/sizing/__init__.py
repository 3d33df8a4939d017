"""Sizing: does a model fit, on what, how fast, for how much. Pure functions, no network."""
