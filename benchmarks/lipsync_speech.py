"""How well the engine's mouths speak, beside real, shuffled and frozen ones.

    python -m benchmarks.lipsync_speech [CLIP...] [--languages es,fr,de,ja] [--voice espeak|kokoro|both] [--recorded]
                                        [--quick] [--loop SECONDS] [--tracks FOLDER] [--minutes M] [--media FOLDER]

Runs the engine on clips under dubs, tracks the results again, and prints for every figure of the lip-sync targets: the
value over all runs (lags and leaks: the mean), the worst run and which it is, the same for the control rows, the
target, and whether it is met. Clips whose script is in ``transcripts.json`` give the real speaker's row. ``--voice``:
eSpeak NG speaks the dubs, or Kokoro, each with the phone times that it tells itself; ``both`` prints a table for each.
``--recorded``: also real recordings of ``transcripts.json``, their phones found by the aligner. ``--quick``: two short
clips, two languages. ``--loop 70``: each clip again and again for so long, since drift over a minute needs a minute;
a shorter time than the clip's cuts it. ``--tracks``: analyses are kept there and used again. ``--minutes``: no run
begins after so long; what is left out is told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, product
from pathlib import Path
from time import perf_counter

import numpy as np
import soundfile

from configs.kokoro import kokoro
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.track import track_faces
from lipsync_engine.measure.likeness import Figures, changed_figures
from lipsync_engine.measure.report_figures import same_person
from lipsync_engine.media.audio import load_mono
from lipsync_engine.records import FloatArray, Phone
from lipsync_engine.report import EngineReport
from lipsync_engine.resync import analyse, resync
from lipsync_engine.speech import espeak
from lipsync_engine.speech.align import align_file
from lipsync_engine.speech.phones import concatenate
from tasks.synthesize import synthesizer

GRID = "lipnet-grid/evaluation/samples/GRID"
CLIPS = (
    "open-dubbing/tests/data/englishvideo.mp4",
    "latentsync/assets/demo1_video.mp4",
    "latentsync/assets/demo3_video.mp4",
    "video-retalking/examples/face/1.mp4",
    "video-retalking/examples/face/4.mp4",
    "sadtalker/examples/ref_video/WDA_KatieHill_000.mp4",
    *(f"{GRID}/{name}.mpg" for name in ("bbaf2n", "brbk7n", "lbax4n", "lwbsza", "swiz3n")),
    "lipnet-grid/evaluation/samples/id2_vcd_swwp2s.mpg",
    "_derived/grid_two_faces_alternating.mp4",
)
#: Rate of recordings that speak a dub, Hz.
RECORDED_HZ = 16_000
QUICK = (f"{GRID}/lbax4n.mpg", "lipnet-grid/evaluation/samples/id2_vcd_swwp2s.mpg")
SENTENCES = {
    "es": ("Buenos días, mi nombre es Pablo.", "Vivo en una familia muy pequeña, cerca del mar.",
           "Por la mañana bebo un vaso de agua."),
    "fr": ("Bonjour, je m'appelle Paul.", "J'habite une petite maison près de la mer.",
           "Le matin, je bois un bon verre d'eau fraîche."),
    "ca": ("Bon dia, em dic Jordi Mas.", "Sóc de Barcelona.", "M'encanta aquesta ciutat, de debò."),
    "de": ("Guten Morgen, mein Name ist Paul.", "Ich wohne in einem kleinen Haus am Meer.",
           "Morgens trinke ich ein Glas Wasser."),
    "ja": ("おはようございます、わたしはパブロです。", "うみのちかくのちいさないえにすんでいます。",
           "まいあさ、みずをいっぱいのみます。"),
    "en": ("Good morning, my name is Paul.", "I live in a small house by the sea.",
           "Every morning I buy a big glass of water."),
}  # fmt: skip
Values = dict[str, list[float]]
#: Samples, how many there are a second, and the phones that lie in them.
Spoken = tuple[FloatArray, int, tuple[Phone, ...]]
#: Speaks a text in a language.
Voice = Callable[[str, str], Spoken]


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table: the figure, what is asked of it, and the bounds, given the real speaker's value."""

    figure: str
    asked: str
    bounds: Callable[[float | None], tuple[float, float]]

    def miss(self, value: float, real: float | None) -> float:
        """How far a value lies outside the bounds; negative or 0 inside."""
        low, high = self.bounds(real)
        return max(low - value, value - high)


def _between(low: float, high: float) -> Callable[[float | None], tuple[float, float]]:
    return lambda real: (low, high)


def _at_most(high: float) -> Callable[[float | None], tuple[float, float]]:
    return _between(-np.inf, high)


def _share_of_real(share: float) -> Callable[[float | None], tuple[float, float]]:
    return lambda real: (share * (1.0 if real is None else real), np.inf)


TARGETS = (
    Target("closure_rate", "real - .05", lambda real: ((1.0 if real is None else real) - 0.05, np.inf)),
    Target("open_closed_ratio", ">= 3.5", _between(3.5, np.inf)),
    Target("silence_motion", "own + .02", lambda real: (-np.inf, (real or 0.0) + 0.02)),
    Target("silence_opening", "<= .018, own", lambda real: (-np.inf, max(0.018, real or 0.0))),
    Target("articulation_ratio", ".9 - 1.1", _between(0.9, 1.1)),
    Target("offset_frames", "|x| <= 1", _between(-1, 1)),
    Target("offset_first_third", "|x| <= 1", _between(-1, 1)),
    Target("offset_last_third", "|x| <= 1", _between(-1, 1)),
    Target("drift_frames_60s", "|x| < .5", _between(-0.5, 0.5)),
    Target("phone_agreement", ">= .95 real", _share_of_real(0.95)),
    Target("phone_correlation", ">= .9 real", _share_of_real(0.9)),
    Target("av_correlation", ">= .9 real", _share_of_real(0.9)),
    Target("source_partial_correlation", "|x| <= .05", _between(-0.05, 0.05)),
    Target("source_leak_share", "|x| <= .05", _between(-0.05, 0.05)),
    Target("upper_face_retention", ">= .9", _between(0.9, np.inf)),
    Target("plan_correlation", ">= .95", _between(0.95, np.inf)),
    Target("sharpness_ratio", ".9 - 1.1", _between(0.9, 1.1)),
    Target("seam_ratio", "<= 1.1", _at_most(1.1)),
    Target("jitter_ratio", "<= 1.1", _at_most(1.1)),
    Target("flicker_ratio", "<= 1.1", _at_most(1.1)),
    Target("flow_residual_ratio", "<= 1.1", _at_most(1.1)),
    Target("lip_thickness_ratio", ".9 - 1.1", _between(0.9, 1.1)),
    Target("lip_colour_shift", "<= 5", _at_most(5)),
    Target("open_teeth_share", "<= .05", _at_most(0.05)),
    Target("rounded_wide_share", "0", _at_most(0)),
    Target("longest_hold_frames", "<= 4", _at_most(4)),
    Target("blended_share", "<= .15", _at_most(0.15)),
    Target("mouth_sharpness_low", ">= .85", _between(0.85, np.inf)),
    Target("mouth_sharpness_high", "<= 1.15", _at_most(1.15)),
    Target("one_frame_openings", "<= 1", _at_most(1)),
    Target("lip_speed_ratio", "<= 1.15", _at_most(1.15)),
    Target("lip_acceleration_ratio", "<= 1.3", _at_most(1.3)),
    Target("outside_mask_max_diff", "0", _at_most(0)),
)
ROWS = ("real", "real_shuffled", "unmodified", "shuffled", "frozen")


@cache
def by_espeak(text: str, language: str) -> Spoken:
    """In eSpeak NG's plain voice."""
    spoken = espeak.synthesize(text, espeak.voice_for(language))
    return spoken.samples, spoken.sample_rate_hz, spoken.phones


@cache
def by_kokoro(text: str, language: str) -> Spoken:
    """In Kokoro's best voice for the language, whether or not a profile would choose it there."""
    backend, table = synthesizer("kokoro", {"all_languages": True}), kokoro().languages[language]
    with tempfile.TemporaryDirectory() as folder:
        spoken = backend.synthesize(text, (*table.female, *table.male)[0], language, Path(folder) / "line.wav")
        samples, rate = soundfile.read(spoken.audio, dtype="float32")
    return samples, rate, tuple(Phone(*row) for row in spoken.phones or ())


VOICES: dict[str, Voice] = {"espeak": by_espeak, "kokoro": by_kokoro}


@cache
def recorded(recording: Path, text: str, language: str) -> Spoken:
    """A real recording; its phones are found by the aligner."""
    phones = align_file(recording, text, language).phones
    return np.asarray(load_mono(recording, RECORDED_HZ), np.float32), RECORDED_HZ, phones


def recordings(media: Path, language: str) -> list[tuple[Path, str]]:
    """Sound files of the test media in a language, each with its text, the shortest first."""
    stored = media / "transcripts.json"
    texts = json.loads(stored.read_text("utf-8")) if stored.exists() else {}
    found = [
        (media / name, row["text"])
        for name, row in texts.items()
        if row["lang"] == language and row["text"] and name.endswith((".wav", ".flac")) and (media / name).exists()
    ]
    return sorted(found, key=lambda one: (soundfile.info(str(one[0])).duration, one[0]))


def lines_of(language: str, voice: str, media: Path) -> Iterator[Spoken]:
    """What a dub says, line after line, again and again; nothing where there is no recording in the language."""
    if voice == "recorded":
        for recording, text in cycle(recordings(media, language)):
            yield recorded(recording, text, language)
    else:
        for text in cycle(SENTENCES[language]):
            yield VOICES[voice](text, language)


def dub(lines: Iterator[Spoken], duration_s: float) -> Spoken:
    """Lines with pauses of 450 ms, from 0.4 s on, as many as fit (at least one, cut off at the end)."""
    placed: list[tuple[int, tuple[Phone, ...]]] = []
    sound = np.zeros(0, np.float32)
    clock_ms = 400
    while True:
        samples, rate, phones = next(lines)
        length_ms = round(len(samples) * 1000 / rate)
        if placed and clock_ms + length_ms > duration_s * 1000 - 150:
            return sound, rate, concatenate(placed, int(duration_s * 1000))
        sound = sound if placed else np.zeros(int(duration_s * rate), np.float32)
        first = clock_ms * rate // 1000
        part = samples[: max(0, len(sound) - first)]
        sound[first : first + len(part)] += part
        placed.append((clock_ms, phones))
        clock_ms += length_ms + 450


@dataclass(frozen=True)
class Asked:
    """What is run: clips, languages and voices, English scripts by clip, and in which bounds."""

    clips: list[Path]
    languages: list[str]
    voices: Sequence[str]
    scripts: dict[str, str]
    media: Path
    loop_s: float | None = None
    tracks: Path | None = None
    minutes: float = np.inf


def runs(asked: Asked) -> Iterator[tuple[str, str, EngineReport, Figures]]:
    """The voice, the engine's report and what the pixels tell, for every clip (repeated until ``loop_s``), language
    and voice; what is left out for want of time is told on stderr."""
    end = perf_counter() + 60 * asked.minutes
    with tempfile.TemporaryDirectory() as folder:
        for named in asked.clips:
            clip = _looped(named, asked.loop_s, Path(folder)) if asked.loop_s else named
            stored = (asked.tracks or Path(folder)) / f"{clip.stem}{f'.{asked.loop_s:g}' if asked.loop_s else ''}.npz"
            track = _analysis(clip, stored)
            if not len(track.times_s):
                continue
            script = next((text for name, text in asked.scripts.items() if str(clip).endswith(name)), "")
            own = align_file(clip, script, "en-us").phones if script else None  # none of a loop
            for language, voice in product(asked.languages, asked.voices):
                name = f"{clip.stem}/{language}"
                if perf_counter() > end:
                    print(f"{voice} {name}: left out, the time is over", file=sys.stderr, flush=True)
                    continue
                if voice == "recorded" and not recordings(asked.media, language):
                    print(f"{voice} {name}: left out, there is no recording", file=sys.stderr, flush=True)
                    continue
                lines = lines_of(language, voice, asked.media)
                sound, rate, phones = dub(lines, float(track.times_s[-1]) + 0.04)
                audio, out = Path(folder) / "dub.wav", Path(folder) / "out.mp4"
                soundfile.write(audio, sound, rate)
                report = resync(clip, audio, phones, track, out, source_phones=own)
                yield voice, name, report, _pixels(clip, track, out)


def _analysis(clip: Path, stored: Path) -> FaceTrack:
    """Read where it is stored and of this version, else made."""
    try:
        return FaceTrack.load(stored) if stored.exists() else analyse(clip, stored)
    except ValueError:  # written by another version of the engine
        return analyse(clip, stored)


def _pixels(clip: Path, track: FaceTrack, out: Path) -> Figures:
    """Figures of the most seen person that need both pictures."""
    before, again = track.of(track.identities[0]), track_faces(out)
    who = same_person(again, before)
    if who is None:
        return {}
    after = again.of(who)
    common = np.intersect1d(before.frame, after.frame)
    rows = (one.rows(np.searchsorted(one.frame, common)) for one in (before, after))
    return changed_figures(clip, next(rows), out, next(rows))


def _looped(clip: Path, seconds: float, folder: Path) -> Path:
    out = folder / f"{clip.stem}.mp4"
    command = ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", clip, "-t", seconds, "-c:v", "libx264"]
    subprocess.run(list(map(str, [*command, "-crf", 14, "-preset", "veryfast", "-c:a", "aac", out])), check=True)
    return out


def tabulate(reports: list[tuple[str, EngineReport, Figures]]) -> tuple[list[str], bool]:
    """The table's lines, and whether every target is met."""
    head = (
        f"{'figure':28}{'value':>8}{'worst':>8} {'of':18}" + "".join(f"{row:>15}" for row in ROWS) + f"  {'target':12}"
    )
    lines, passed = [head], True
    for target in TARGETS:
        of = [(v, name) for name, r, more in reports if (v := _figure(r, more, target.figure)) is not None]
        controls = {
            row: _mean([v for _, r, _ in reports if (v := _control(r, row, target.figure)) is not None]) for row in ROWS
        }
        value, worst, whose, verdict = _mean([v for v, _ in of]), None, "-", "not defined"
        if value is not None:
            worst, whose = max(of, key=lambda one: target.miss(one[0], controls["real"]))
            verdict = "pass" if target.miss(value, controls["real"]) <= 0 else "FAIL"
        if (
            verdict == "FAIL"
            and target.figure == "source_partial_correlation"
            and abs(value or 0) <= 2 * _noise(reports)
        ):
            verdict = f"within noise ({_noise(reports):.3f})"
        passed &= verdict != "FAIL"
        lines.append(
            f"{target.figure:28}{_cell(value):>8}{_cell(worst):>8} {whose[-18:]:18}"
            + "".join(f"{_cell(controls[row]):>15}" for row in ROWS)
            + f"  {target.asked:12}{verdict} (n={len(of)})"
        )
    return lines, passed


def _control(report: EngineReport, row: str, figure: str) -> float | None:
    return report.controls.get(row, {}).get(figure)


def _figure(report: EngineReport, more: Figures, name: str) -> float | None:
    value: float | None = more[name] if name in more else getattr(report, name, None)
    return value


def _noise(reports: list[tuple[str, EngineReport, Figures]]) -> float:
    """Standard error of the mean partial correlation, from what sources that cannot have leaked give."""
    noise = [r.source_leak_noise for _, r, _ in reports if r.source_leak_noise is not None]
    return float(np.sqrt(np.mean(np.square(noise)) / len(noise))) if noise else 0.0


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--languages", default=None, help="default es,fr,de,ja; with --quick es,ja")
    parser.add_argument("--voice", choices=[*VOICES, "both"], default="espeak")
    parser.add_argument("--recorded", action="store_true", help="also by real recordings of the language")
    parser.add_argument("--quick", action="store_true", help="two clips of three seconds")
    parser.add_argument("--loop", type=float, metavar="SECONDS", help="repeat each clip for so long, or cut it there")
    parser.add_argument("--tracks", type=Path, help="folder of stored analyses, used and filled")
    parser.add_argument("--minutes", type=float, default=np.inf, help="no run begins after so long")
    default = os.environ.get("POLYDUB_MEDIA") or Path(__file__).parents[2] / "shared" / "media"
    parser.add_argument("--media", type=Path, default=Path(default))
    options = parser.parse_args(arguments)
    clips = options.clips or [options.media / name for name in (QUICK if options.quick else CLIPS)]
    languages = (options.languages or ("es,ja" if options.quick else "es,fr,de,ja")).split(",")
    unknown = [code for code in languages if code not in SENTENCES]
    if unknown:
        parser.error(f"no sentences in {', '.join(unknown)}; there are {', '.join(SENTENCES)}")
    stored = options.media / "transcripts.json"
    texts = json.loads(stored.read_text("utf-8")) if stored.exists() else {}
    scripts = {name: row["text"] for name, row in texts.items() if row.get("lang") == "en" and row.get("text")}
    voices = list(VOICES) if options.voice == "both" else [options.voice]
    voices += ["recorded"] if options.recorded else []
    if options.tracks:
        options.tracks.mkdir(parents=True, exist_ok=True)
    reports: dict[str, list[tuple[str, EngineReport, Figures]]] = {voice: [] for voice in voices}
    asked = Asked(clips, languages, voices, scripts, options.media, options.loop, options.tracks, options.minutes)
    for voice, name, report, more in runs(asked):
        reports[voice].append((name, report, more))
        shown = {t.figure: _figure(report, more, t.figure) for t in TARGETS}
        rounded = {k: None if v is None else round(v, 3) for k, v in shown.items()}
        print(voice, name, rounded, file=sys.stderr, flush=True)
    passed = True
    for voice in voices:
        lines, met = tabulate(reports[voice])
        print("\n".join([f"{voice}:", *lines]))
        passed &= met
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
