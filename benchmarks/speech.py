"""How well dubs lie on their source's time, by the pipeline's own steps without picture.

    python -m benchmarks.speech MEDIA [--languages es,fr,ca] [--profile offline] [--quick]

Titles: a short talk, and ten minutes put together from read speech with known texts (``--quick``: two minutes). The
source's words are given, so that what is measured is translation, pace, adaptation and fit. For each language:
adherence (share of lines whose take is 0.9 to 1.2 of its slot at the pace that the voice was asked for), lines cut or
lost, the largest stretch, speech overlap with the source, drift of the last line; and the paces that were asked for.
"""

from __future__ import annotations

import argparse
import functools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from configs.profile import load_profile
from tasks.adapt.task import adapt
from tasks.fit.task import fit
from tasks.keep.assets import path_of
from tasks.keep.store import Store
from tasks.media import speech_copy
from tasks.qc import timing
from tasks.qc.evidence import Spans
from tasks.records.natural_speed import NATURAL_SPEED
from tasks.records.record import Asset
from tasks.records.script import Line, Script, Speaker
from tasks.records.take import Placement
from tasks.records.title import Run, Title
from tasks.sound.speech_activity import speech_spans
from tasks.synthesize.task import synthesize
from tasks.translate.task import translate

RATE = 48_000
GAP_MS = 700
TALK = "open-dubbing/tests/data/englishvideo.mp4"
TALK_LINES = (
    (1260, 3950, "Good morning, my name is Jordi Mas."),
    (5250, 6630, "I am from Barcelona."),
    (7610, 8690, "And I love this city."),
)
#: Name, limit, whether larger is worse.
LIMITS = (
    ("adherence", 0.90, False),
    ("cut", 0.0, True),
    ("stretch_max", 1.20, True),
    ("overlap", 0.75, False),
    ("drift_ms", 40.0, True),
)


@dataclass(frozen=True)
class Source:
    """A title's sound (mono 48 kHz WAV) and its words."""

    name: str
    sound: Path
    lines: tuple[Line, ...]
    duration_ms: int


def main() -> None:
    """Measure and print; ends with 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("media", type=Path)
    parser.add_argument("--languages", default="es,fr,ca")
    parser.add_argument("--profile", default="offline")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory(prefix="polydub-speech-") as folder:
        root = Path(folder)
        for source in (talk(options.media, root), reading(options.media, root, 2 if options.quick else 10)):
            texts = len({line.text for line in source.lines})
            print(
                f"{source.name}: {source.duration_ms / 1000:.0f} s, {len(source.lines)} lines, {texts} texts",
                flush=True,
            )
            for language in options.languages.split(","):
                figures = measured(source, language, options.profile, root)
                missed += report(language, figures)
    sys.exit(1 if missed else 0)


def talk(media: Path, root: Path) -> Source:
    """The short talk, as it is."""
    sound = root / "talk.wav"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(media / TALK), "-vn", "-ac", "1", "-ar", str(RATE), str(sound)]
    subprocess.run(command, check=True)
    lines = tuple(
        Line(id=number, start_ms=start, end_ms=end, text=text, speaker="S1")
        for number, (start, end, text) in enumerate(TALK_LINES, 1)
    )
    return Source("talk", sound, lines, soundfile.info(str(sound)).frames * 1000 // RATE)


def reading(media: Path, root: Path, minutes: float) -> Source:
    """Read speech in turns, a line a clip, with pauses between, until it is long enough."""
    clips = list(_clips(media))
    sound, lines, at, number = root / "reading.wav", [], GAP_MS, 0
    with soundfile.SoundFile(str(sound), "w", RATE, 1) as out:
        out.write(np.zeros(GAP_MS * RATE // 1000, np.float32))
        while at < minutes * 60_000:
            path, text, speaker = clips[number % len(clips)]
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
            samples = soxr.resample(samples.mean(axis=1), rate, RATE)
            length = len(samples) * 1000 // RATE
            begin, end = _speech(path, root)
            lines.append(Line(id=number, start_ms=at + begin, end_ms=at + min(end, length), text=text, speaker=speaker))
            out.write(samples[: length * RATE // 1000])
            out.write(np.zeros(GAP_MS * RATE // 1000, np.float32))
            at, number = at + length + GAP_MS, number + 1
    return Source("reading", sound, tuple(lines), soundfile.info(str(sound)).frames * 1000 // RATE)


def measured(source: Source, language: str, profile: str, root: Path) -> dict[str, float | str]:
    """The figures of one title in one language."""
    began = time.monotonic()
    store = Store(root / "store")
    dialogue = store.reference(source.sound)
    speakers = tuple(Speaker(id=name) for name in dict.fromkeys(line.speaker for line in source.lines))
    script = Script(language="en", lines=source.lines, speakers=speakers)
    video = Asset(uri=str(source.sound), sha256=dialogue.sha256, bytes=dialogue.bytes)
    title = Title(name=source.name, video=video, source=source.name, folder=str(root), languages=(language,))
    run = Run(title=title, profile=load_profile(profile), store=str(store.root)).branch(language)
    dub = translate.fn(run, script, {}).value
    spoken = synthesize.fn(run, dub, script, dialogue).value
    adapted = adapt.fn(run, dub, script, spoken, dialogue, {}).value
    laid = fit.fn(run, adapted.script, adapted.takes, source.duration_ms).value
    placements, stem = laid.placements, path_of(laid.dialogue)
    overlap = timing.speech_overlap(_spans(source.sound, root), _spans(stem, root), source.duration_ms)
    figures: dict[str, float | str] = {
        "adherence": timing.adherence(placements).value or 0.0,
        "cut": float(len(source.lines) - len(placements) + len(_cut(placements, stem))),
        "stretch_max": timing.stretch_range(placements)[0].value or 0.0,
        "overlap": overlap.value or 0.0,
        "drift_ms": abs(timing.drift(script, placements, stem).value or 0.0),
    }
    off = sorted(
        (
            p.natural_ms / p.slot_ms
            for p in placements
            if not NATURAL_SPEED[0] <= p.natural_ms / max(1, p.slot_ms) <= NATURAL_SPEED[1]
        ),
    )
    paces = sorted(take.pace for take in adapted.takes)
    return {
        **figures,
        "paces": " ".join(f"{pace:.2f}" for pace in np.percentile(paces, (0, 10, 50, 90, 100))),
        "overlong": float(sum(p.fit == "overlong" for p in placements)),
        "missed": " ".join(f"{share:.2f}" for share in off[:8]),
        "seconds": round(time.monotonic() - began, 1),
    }


def report(language: str, figures: dict[str, float | str]) -> int:
    """Print one row; how many limits it misses."""
    cells, missed = [], 0
    for name, limit, worse_above in LIMITS:
        value = float(figures[name])
        good = value <= limit if worse_above else value >= limit
        missed += not good
        cells.append(f"{name} {value:g} {'pass' if good else 'FAIL'} ({'<=' if worse_above else '>='} {limit:g})")
    print(f"  {language}: {'; '.join(cells)}; overlong {figures['overlong']:g}; {figures['seconds']} s", flush=True)
    print(f"      pace, least, tenths 1, 5, 9, most: {figures['paces']}", flush=True)
    if figures["missed"]:
        print(f"      outside the window, length over slot: {figures['missed']}", flush=True)
    return missed


def _clips(media: Path) -> Iterator[tuple[Path, str, str]]:
    """English read speech with its text, and who reads."""
    for place, row in json.loads((media / "transcripts.json").read_text("utf-8")).items():
        path, text = media / place, row["text"]
        if row["lang"] == "en" and path.suffix in (".wav", ".flac") and text and path.exists():
            sentence = text if text != text.upper() else text.capitalize()
            closed = sentence if sentence[-1] in ".?!,;" else f"{sentence}."
            yield path, closed[0].upper() + closed[1:], path.parent.name[:8] + path.stem[:4]


@functools.cache
def _speech(path: Path, root: Path) -> tuple[int, int]:
    """First and last millisecond of speech in a clip; all of it where none is found."""
    info, spans = soundfile.info(str(path)), _spans(path, root)
    return (spans[0][0], spans[-1][1]) if spans else (0, info.frames * 1000 // info.samplerate)


def _spans(sound: Path, root: Path) -> Spans:
    copy = root / "speech.wav"
    speech_copy(sound, copy)
    return tuple(speech_spans(copy))


def _cut(placements: tuple[Placement, ...], stem: Path) -> list[int]:
    """Lines whose sound does not reach from where it was laid to its end: shortened, or silent in its last moment."""
    cut = []
    with soundfile.SoundFile(str(stem)) as file:
        length_ms = file.frames * 1000 // file.samplerate
        for one in placements:
            whole = abs((one.end_ms - one.start_ms) * one.stretch - one.natural_ms) <= 2 * one.stretch
            file.seek(min(file.frames, one.start_ms * file.samplerate // 1000))
            sound = np.abs(file.read((one.end_ms - one.start_ms) * file.samplerate // 1000, dtype="float32"))
            tail = sound[-file.samplerate * 150 // 1000 :]
            heard = len(tail) > 0 and float(tail.max()) > 0.003 * float(sound.max())
            if not whole or not heard or one.end_ms > length_ms:
                cut.append(one.line)
    return cut


if __name__ == "__main__":
    main()
