"""Aligns the words of a text with its audio, for recognisers that return no word times."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.speech.align import RATE_HZ, align
from lipsync_engine.speech.espeak import SpeechError, UnknownVoiceError
from tasks.transcribe.openai_answer import Timed

#: A word with the marks around it, or a clause where a language is written without spaces.
_WORD = re.compile(r"[^\s。、！？，]+[。、！？，]*|[。、！？，]+")


def placed(text: str, language: str, samples: NDArray[np.float32], *, spaced: bool) -> tuple[list[Timed], bool]:
    """The words with their times in seconds of the audio, and whether they were aligned.

    Words that the aligner cannot separate, or all words of an unsupported language, share the remaining time by length.

    Args:
        text: what is said.
        language: BCP-47 tag.
        samples: float32 [N], mono, 16 kHz.
        spaced: the language is written with spaces between words.
    """
    found = list(_WORD.finditer(text))
    try:
        aligned = align(samples, RATE_HZ, text, language)
    except (UnknownVoiceError, SpeechError):
        aligned = None
    phones = [phone for phone in aligned.phones if phone.ipa] if aligned else []
    seconds = len(samples) / RATE_HZ
    first, last = (phones[0].start_ms / 1000, phones[-1].end_ms / 1000) if phones else (0.0, seconds)
    knots = {0: first, len(text): last}
    ends: dict[int, float] = {}
    for start, end, begins_ms, ends_ms in aligned.words if phones and aligned else ():
        knots.setdefault(start, begins_ms / 1000)
        ends[end] = ends_ms / 1000
    places = sorted(knots)
    times = np.maximum.accumulate([knots[place] for place in places])
    edges = [float(np.interp(word.start(), places, times)) for word in found] + [last]
    words = []
    for word, (start_s, until_s) in zip(found, pairwise(edges), strict=True):
        end_s = max(
            (ends[place] for place in range(word.start() + 1, word.end() + 1) if place in ends), default=until_s
        )
        end_s = min(max(end_s, start_s), max(until_s, start_s))
        words.append((f" {word[0]}" if spaced else word[0], start_s, end_s))
    return words, bool(phones)
