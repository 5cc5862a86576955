"""Batches that run overnight: manifest, budget, status, morning report.

In: a list of titles with their languages. Out: titles dubbed, the most urgent first, and a table of how each ended.
It leaves the dubbing of a title to `flows.dub`.
"""
