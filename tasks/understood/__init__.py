"""Intelligibility: what a recogniser hears in speech, against its script."""
