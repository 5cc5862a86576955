"""Content credentials (C2PA): who made a file, from what and how, signed, so that every later change shows.

Signing is the last step of a language and of a title: any program that writes a file again takes a manifest away.
Nothing is signed without the operator's key. What is read and written by the library runs in a child process
(`tasks.sign.child`), as files of clients and of strangers are read there.
"""

from __future__ import annotations

VERSION = 3
