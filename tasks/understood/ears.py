"""The recogniser that listens to a dub, line by line.

Lines are heard a handful at a time, each with silence around it, so that a minute of speech costs a few windows of the
recogniser. Which lines are heard together follows from their own sound: a line that changes changes its group alone.
What was heard is remembered in the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from configs.languages import display_name, primary
from configs.profile import ChainedSettings
from tasks.keep.store import Store, step_key
from tasks.records.errors import MissingBackendError
from tasks.records.progress import silent
from tasks.records.script import Word
from tasks.records.step_record import StepRecord
from tasks.transcribe import KnowsWhere, Transcriber, listening, transcriber
from tasks.words.spacing import as_heard

Clip = NDArray[np.int16]

_HEARD = "heard"
_RATE_HZ = 16_000
_GAP = _RATE_HZ  # of silence between lines
_BEFORE = _RATE_HZ // 2
_MOST = 24 * _RATE_HZ  # of a group: well within one window of Whisper's
_ENDS = 48  # of 256: a group ends after a line whose digest starts below it, so after five on average
#: Languages in which Whisper's small models misread a fifth of the words at most, in voices that speak them without an
#: accent (`configs/kokoro.yaml`) and in read speech; in others their own errors are too many to blame the dub for.
_SURE = frozenset({"en", "es", "fr", "it", "pt", "de", "hi", "ja", "zh"})
_SMALL = ("tiny", "base")
_OURS = {"model": "base", "compute": "int8", "device": "cpu", "download": False}


@dataclass(frozen=True)
class Ears:
    """A recogniser for one language, or the reason for its absence.

    Attributes:
        language: BCP-47 tag.
        listener: the recogniser; None if there is none.
        advisory: its own errors are so many that it warns and never fails a dub.
        deaf: why there is none; a sentence.
    """

    language: str
    listener: Transcriber | None = None
    advisory: bool = False
    deaf: str = ""

    @property
    def name(self) -> str:
        """Of the recogniser; empty without one."""
        return self.listener.facts.name if self.listener else ""

    def fingerprint(self) -> str:
        """Part of the key of everything that was heard."""
        return f"heard:1:{self.listener.fingerprint()}" if self.listener else "heard:nobody"

    def heard(self, clips: Iterable[Clip], store: Store) -> Iterator[str]:
        """What is heard in each clip, in order.

        Args:
            clips: int16 [N], mono, 16 kHz, each of one line; they are taken as they are needed.
            store: remembers it.

        Raises:
            PermanentError, ProviderBusyError: the recogniser cannot listen.
        """
        for group in _groups(clips):
            yield from self._group(group, store)

    def _group(self, clips: Sequence[Clip], store: Store) -> list[str]:
        if self.listener is None:
            raise MissingBackendError(self.deaf)
        facts = {"language": self.language, "clips": [_digest(clip) for clip in clips]}
        key = step_key(_HEARD, 2, backend=self.fingerprint(), inputs=facts)
        record = store.lookup(_HEARD, key, tuple[str, ...])
        if record is None:
            with store.workspace(_HEARD) as folder:
                said = _listened(self.listener, clips, self.language, folder / "lines.wav")
            record = store.commit(StepRecord[tuple[str, ...]](step=_HEARD, key=key, value=tuple(said)))
        return list(record.value)


def ears_for(settings: ChainedSettings, language: str, *, paid: bool = False) -> Ears:
    """The recogniser: the profile's, else Whisper base if it is installed, else PocketSphinx for English.

    PocketSphinx comes last, even where a profile names it: it is rough. A profile whose words are invented has none.

    Args:
        settings: of the transcribe step.
        language: of the dub.
        paid: whether a recogniser that is paid for may be asked.
    """
    own = listening(settings, language).backend
    if own.facts.name == "fake":
        return Ears(language, deaf="the profile's words are invented: no recogniser is used")
    candidates = [own, transcriber("faster-whisper", _OURS), transcriber("pocketsphinx", {})]
    able = [one for one in candidates if _hears(one, language, paid=paid)]
    able.sort(key=lambda one: one.facts.name == "pocketsphinx")
    if not able:
        return Ears(language, deaf=f"not heard: there is no recogniser for {display_name(language)} ({language}) here")
    return Ears(language, able[0], advisory=_rough(able[0], language))


def _hears(listener: Transcriber, language: str, *, paid: bool) -> bool:
    facts = listener.facts
    known = facts.languages is None or primary(language) in facts.languages
    return known and (paid or not facts.paid) and not listener.missing()


def _rough(listener: Transcriber, language: str) -> bool:
    small = any(f'"model":"{name}' in listener.fingerprint() for name in _SMALL)
    return listener.facts.name == "pocketsphinx" or (small and primary(language) not in _SURE)


def clip_of(audio: Path, start_ms: int = 0, end_ms: int | None = None) -> Clip:
    """A stretch of a WAV of any rate, as recognisers take it: 16 kHz mono, as loud as its loudest sample allows.

    Args:
        audio: the file; what lies outside of it is left out.
        start_ms: where the stretch begins.
        end_ms: where it ends; None is the end of the file.
    """
    with soundfile.SoundFile(str(audio)) as file:
        rate = file.samplerate
        first = min(max(0, start_ms) * rate // 1000, file.frames)
        last = file.frames if end_ms is None else min(max(end_ms, 0) * rate // 1000, file.frames)
        file.seek(first)
        # one line of speech: seconds, so it is read whole
        samples = file.read(max(0, last - first), dtype="float32", always_2d=True).mean(axis=1)
    if not len(samples):
        return np.zeros(0, np.int16)
    clip = soxr.resample(samples, rate, _RATE_HZ)
    peak = float(np.abs(clip).max()) if len(clip) else 0.0
    return np.asarray(np.round(clip * (0.5 / peak if peak > 1e-4 else 0.0) * 32767), np.int16)


def _groups(clips: Iterable[Clip]) -> Iterator[list[Clip]]:
    group: list[Clip] = []
    for clip in clips:
        if group and sum(map(len, group)) + len(group) * _GAP + len(clip) > _MOST:
            yield group
            group = []
        group.append(clip)
        if int(_digest(clip)[:2], 16) < _ENDS:
            yield group
            group = []
    if group:
        yield group


def _listened(listener: Transcriber, clips: Sequence[Clip], language: str, audio: Path) -> list[str]:
    spans: list[tuple[int, int]] = []
    at = _BEFORE
    with soundfile.SoundFile(str(audio), "w", _RATE_HZ, 1, "PCM_16") as file:
        file.write(np.zeros(_BEFORE, np.int16))
        for clip in clips:
            spans.append((at * 1000 // _RATE_HZ, (at + len(clip)) * 1000 // _RATE_HZ))
            file.write(clip)
            file.write(np.zeros(_GAP, np.int16))
            at += len(clip) + _GAP
    voiced = [span for span, clip in zip(spans, clips, strict=True) if clip.any()]
    if not voiced:
        return [""] * len(clips)
    if isinstance(listener, KnowsWhere):
        script = listener.transcribe_spans(audio, voiced, language)
    else:
        script = listener.transcribe(audio, language, silent)
    words: list[list[Word]] = [[] for _ in clips]
    for word in (word for line in script.lines for word in line.words):
        words[_nearest(spans, (word.start_ms + word.end_ms) / 2)].append(word)
    return [as_heard([word.text for word in row]) for row in words]


def _nearest(spans: Sequence[tuple[int, int]], middle_ms: float) -> int:
    return min(range(len(spans)), key=lambda n: max(spans[n][0] - middle_ms, middle_ms - spans[n][1], 0.0))


def _digest(clip: Clip) -> str:
    return hashlib.sha256(clip.tobytes()).hexdigest()
