"""Intelligibility: what a recogniser hears in speech, against its script.

In: sound and the words that it should say. Out: error rates, and what was heard instead.
It chooses no take.
"""
