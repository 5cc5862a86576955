"""Batches that run overnight: manifest, budget, status, morning report."""
