"""What is kept: files by their content, on this disk or in a remote store, and what was asked of them.

In: files and small notes. Out: assets, found again and verified.
It knows no step and no media.
"""
