"""Whether the dub is understood: what a recogniser hears in it, against the script."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

from configs.timed_text import timed_text_limits
from tasks.errors import PermanentError, ProviderBusyError
from tasks.model import Script
from tasks.qc.evidence import Recogniser


def intelligibility(dub: Script, dialogue: Path | None, recogniser: Recogniser | None) -> dict[str, Any]:
    """Word error rate of the dub against its script (character error rate in scripts without spaces).

    Returns:
        ``{"wer": share}`` or ``{"cer": share}``, and ``backend``, ``heard``, ``note``; where the share is None the
        note says why.
    """
    measure = "cer" if timed_text_limits(dub.language).spaceless else "wer"
    intended = _plain(" ".join(line.text for line in dub.lines))
    if recogniser is None:
        return {measure: None, "backend": None, "note": f"no recogniser for {dub.language} in this profile"}
    if dialogue is None or not intended:
        return {measure: None, "backend": recogniser.name, "note": "there is no dubbed speech"}
    import jiwer

    try:
        heard = _plain(recogniser.transcribe(dialogue))
    except (
        PermanentError,
        ProviderBusyError,
    ) as error:  # a dub is delivered without this figure rather than not at all
        return {measure: None, "backend": recogniser.name, "note": f"not measured: {error}"}
    rate = jiwer.cer(intended, heard) if measure == "cer" else jiwer.wer(intended, heard)
    note = "the recogniser's own errors count too" if recogniser.advisory else ""
    return {measure: round(float(rate), 3), "backend": recogniser.name, "heard": heard, "note": note}


def _plain(text: str) -> str:
    """Lower case words without punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w\s'’]|_", " ", folded).split())
