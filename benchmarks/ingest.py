"""Recorded dubs that were shifted and run at another speed: ``python -m benchmarks.ingest [MEDIA [FIRST CASE]]``.

Each recording is made from a dub whose lines' times are known: moved, slowed or sped (by resampling, so that its pitch
moves too, or by Rubber Band), given room noise, a line taken out and one put in that the script does not have. Print
masters have the title's music under them. Printed: how far the worst line is from where it should be after the
correction, by cross-correlation with the dub as it was. Exit code 1 where a line is more than 20 ms off, or the missing
and the extra line are not named, or what is beyond the bounds is not refused.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.separation import load
from tasks import media
from tasks.ingest.ingest import Ingested, ingest
from tasks.records.errors import BadInputError
from tasks.records.script import Line, Script
from tasks.sound.clock import Clock
from tasks.sound.retime import retime

RATE = media.SAMPLE_RATE
MOST_MS = 20.0
Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Title:
    """A dub whose lines' times are known: the script, the dub (mono), the music (stereo)."""

    script: Script
    dub: Sound
    bed: Sound

    @property
    def duration_ms(self) -> int:
        return len(self.dub) // media.PER_MS


@dataclass(frozen=True)
class Case:
    """What was done to a recording; ``slowness`` 1.04 is slowed by 4 %."""

    shift_ms: float
    slowness: float
    pitch: str = "keep"
    music: bool = False
    faults: bool = True
    refused: bool = False


CASES = (
    Case(0, 1.0),
    Case(1700, 1.04),
    Case(1700, 1.04, pitch="follow"),
    Case(-800, 25 / 24),
    Case(12_000, 24 / 25),
    Case(-2_500, 1.0),
    Case(35_000, 25_025 / 24_000),
    Case(400, 1001 / 1000),
    Case(5_000, 0.962),
    Case(0, 1.0, music=True, faults=False),
    Case(1700, 1.04, music=True, faults=False),
    Case(1700, 25 / 24, pitch="follow", music=True, faults=False),
    Case(-1200, 24 / 25, pitch="follow", music=True, faults=False),
    Case(0, 1.12, refused=True),
    Case(100_000, 1.0, refused=True),
)


def title(root: Path, seed: int = 7, lines: int = 16) -> Title:
    """Sentences of one reader at irregular times, each exactly in its slot, with music beside them."""
    rng = np.random.default_rng(seed)
    folder = root / "linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs"
    sentences = [load(folder / f"LJ001-000{n}.wav")[:, 0] for n in (2, 4, 6, 5)]
    at, slots, pieces = 4000, [], []
    for number in range(lines):
        sound = sentences[number % len(sentences)]
        if number % 3:
            sound = sound[: int(len(sound) * rng.uniform(0.3, 0.9))]
        heard = np.flatnonzero(np.abs(sound) > 10 ** (-30 / 20) * np.abs(sound).max())
        sound = sound[heard[0] : heard[-1]]
        end = at + len(sound) // media.PER_MS
        slots.append((at, end))
        pieces.append(sound)
        at = end + int(rng.uniform(700, 4000))
    dub = np.zeros((at + 4000) * media.PER_MS, np.float32)
    for (start, _), sound in zip(slots, pieces, strict=True):
        dub[start * media.PER_MS : start * media.PER_MS + len(sound)] = sound
    texts = tuple(Line(id=n, start_ms=s, end_ms=e, text="x") for n, (s, e) in enumerate(slots, start=1))
    music = load(next((root / "librosa-data/audio").glob("Hungarian*.ogg")))
    return Title(Script(language="en", lines=texts), dub, 0.3 * np.resize(music, (len(dub), 2)).astype(np.float32))


def recorded(made: Title, case: Case, folder: Path) -> tuple[Path, int | None, float | None]:
    """The recording of a case; the line that is missing from it and the title's time of the extra one."""
    dub, missing, extra = made.dub.copy(), None, None
    if case.faults:
        gone = made.script.lines[5]
        missing = gone.id
        dub[gone.start_ms * media.PER_MS : gone.end_ms * media.PER_MS] = 0
        pauses = [
            (b.start_ms - a.end_ms, a.end_ms) for a, b in zip(made.script.lines, made.script.lines[1:], strict=False)
        ]
        pause, begin = max(one for one in pauses if gone.end_ms != one[1] and one[1] != gone.start_ms)
        at = begin + (pause - 900) // 2
        extra = at / 1000
        first = made.script.lines[0].start_ms * media.PER_MS
        dub[at * media.PER_MS : (at + 900) * media.PER_MS] = dub[first : first + 900 * media.PER_MS]
    sound = dub[:, None].repeat(2, axis=1)
    if case.music:
        sound = sound + made.bed
    sound = (sound + np.random.default_rng(1).normal(0, 0.0005, sound.shape)).astype(np.float32)
    undone = Clock(1 / case.slowness, -case.shift_ms / case.slowness)
    source, out = folder / "title.wav", folder / "recording.wav"
    soundfile.write(source, sound, RATE, subtype="PCM_24")
    length_ms = round(made.duration_ms * case.slowness + case.shift_ms) + 500
    retime(source, undone, case.pitch, length_ms, out)  # type: ignore[arg-type]
    return out, missing, extra


def worst_ms(made: Title, heard: Sound, without: int | None) -> float:
    """How far the worst line of a corrected dub is from where it was, by cross-correlation of envelopes."""
    hop = RATE // 1000
    errors = []
    for line in made.script.lines:
        if line.id == without:
            continue
        first, last = line.start_ms * hop, line.end_ms * hop
        reach = 400 * hop
        there = envelope(made.dub[first:last], hop)
        here = envelope(heard[max(0, first - reach) : last + reach], hop)
        there = there - there.mean()
        alike = np.correlate(here - here.mean(), there, "valid")
        errors.append(int(np.argmax(alike)) - min(first, reach) // hop)
    return float(np.abs(errors).max())


def envelope(sound: Sound, hop: int) -> NDArray[np.float64]:
    """Level in the past and coming 5 ms, each millisecond, compressed."""
    power = np.convolve(sound.astype(np.float64) ** 2, np.ones(10 * hop) / (10 * hop), "same")[::hop]
    return np.asarray(np.sqrt(np.sqrt(power)))


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared/media")
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    made = title(root)
    print(f"{len(made.script.lines)} lines in {made.duration_ms / 1000:.0f} s")
    print(
        f"{'shift':>8} {'slowness':>9} {'pitch':7}{'kind':13}{'found':>9} {'slowness':>10} {'pitch':9}"
        f"{'worst line':>11}  s"
    )
    with tempfile.TemporaryDirectory() as folder:
        missed = sum(not _right(made, case, Path(folder)) for case in CASES[first:])
    print("all right" if not missed else f"{missed} wrong")
    return 1 if missed else 0


def _right(made: Title, case: Case, folder: Path) -> bool:
    from tasks.separate import separator

    recording, missing, extra = recorded(made, case, folder)
    bed = folder / "bed.wav"
    soundfile.write(bed, made.bed, RATE, subtype="PCM_24")
    backend = separator("classical", {})
    before = (
        f"{case.shift_ms / 1000:+8.3f} {case.slowness:9.5f} {case.pitch:7}{'print master' if case.music else 'stem':13}"
    )
    began = time.monotonic()
    try:
        taken: Ingested = ingest(
            recording,
            made.script,
            made.duration_ms,
            folder / "d.wav",
            bed=bed,
            separation=lambda mixed, out: backend.separate(mixed, out, folder / "rest.wav", lambda _done: None),
        )
    except BadInputError as error:
        print(f"{before} refused: {error}{'' if case.refused else '  WRONG'}", flush=True)
        return case.refused
    heard, _ = soundfile.read(taken.dialogue, dtype="float32")
    worst = worst_ms(made, heard[:, 0], missing)
    named = not case.faults or (
        taken.missing == (missing,) and [abs(a / 1000 - (extra or 0)) < 0.3 for a, _ in taken.extra] == [True]
    )
    kind = (taken.kind == "print master") == case.music
    good = worst <= MOST_MS and named and kind and not case.refused
    faults = f"missing {list(taken.missing)} extra {[a / 1000 for a, _ in taken.extra]}" if case.faults else ""
    print(
        f"{before}{taken.shift_ms / 1000:+9.3f} {taken.slowness:10.5f} {taken.pitch:9}{worst:8.0f} ms"
        f" {time.monotonic() - began:4.1f}"
        f"  {faults}{'' if good else '  WRONG'}",
        flush=True,
    )
    return good


if __name__ == "__main__":
    sys.exit(main())
