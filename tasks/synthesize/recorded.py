"""Takes of single lines that somebody recorded: checked and trimmed when they come in, then used instead of a voice."""

from __future__ import annotations

from pathlib import Path

from tasks.keep.staging import scratch
from tasks.keep.store import Store
from tasks.records.errors import BadInputError
from tasks.records.record import Asset, Record

KIND = "recorded-take"
LONGEST_S = 120.0
_SHORTEST_MS = 60


class RecordedTake(Record):
    """A take of a line: mono WAV, silence trimmed from both ends, as loud as every voice.

    Attributes:
        audio: the WAV.
        duration_ms: its length.
    """

    audio: Asset
    duration_ms: int


def keep_recording(store: Store, sound: bytes) -> tuple[str, RecordedTake]:
    """Take a recording into the store; returns its name (a digest), and what is used of it.

    Args:
        store: where it is kept.
        sound: a complete file of any sound format that Polydub opens; nothing that it says of itself is believed.

    Raises:
        BadInputError: it is no sound, broken, silent, or longer than two minutes.
    """
    import numpy as np

    from lipsync_engine.media.audio import AudioError
    from tasks.synthesize.wave import decoded, levelled, trim_bounds, write_wav

    folder = store.root / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with scratch(folder / KIND, ".wav") as out:
        try:
            samples, rate_hz = decoded(sound, Path(out), LONGEST_S)
        except AudioError as error:
            why = str(error).partition(" ")[2]  # after the name of a file of ours
            raise BadInputError(f"The recording {why}.", "Send a WAV, FLAC or M4A.") from error
        start, stop = trim_bounds(samples, rate_hz)
        duration_ms = round((stop - start) * 1000 / rate_hz)
        if duration_ms < _SHORTEST_MS or not np.isfinite(samples).all():
            raise BadInputError("Nothing is heard in the recording.")
        write_wav(Path(out), levelled(samples[start:stop], rate_hz), rate_hz)
        audio = store.add(Path(out), keep=True)
    made = RecordedTake(audio=audio, duration_ms=duration_ms)
    store.write_note(KIND, audio.sha256, made.model_dump(mode="json"))
    return audio.sha256, made


def recording(store: Store, name: str) -> RecordedTake | None:
    """The recording of that name; None where the store has none."""
    try:
        return RecordedTake.model_validate(store.read_note(KIND, name))
    except ValueError:
        return None
