"""Storage: files addressed by content, on this disk or in a remote store, and their digests.

In: files and small notes. Out: assets, found again and verified.
It depends on no step and no media.
"""
