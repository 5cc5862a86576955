"""What a dub is said to be beside it, in ``title.json`` and on its page; the mark inside the file says it by facts."""

from __future__ import annotations

DISCLOSURE = "This master contains synthetic speech and machine-edited picture, made by Polydub from the named source."
