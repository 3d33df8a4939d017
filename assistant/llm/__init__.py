"""Answers from real language models: clients, verified release, correction, falling back."""
