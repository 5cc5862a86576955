"""How well the engine's mouths speak, beside real, shuffled and frozen ones.

    python -m benchmarks.lipsync_speech [CLIP...] [--languages es,fr,de,ja] [--voice espeak|kokoro|both] [--quick]
                                        [--loop SECONDS] [--media FOLDER]

Runs the engine on clips under dubs, tracks the results again, and prints for every figure of the lip-sync targets: the
value over all runs (lags and leaks: the mean), the same for the control rows, the target, and whether it is met. Clips
whose script is in ``transcripts.json`` give the real speaker's row. ``--voice``: eSpeak NG speaks the dubs, or Kokoro,
each with the phone times that it tells itself; ``both`` prints a table for each. ``--quick``: two short clips, two
languages. ``--loop 70``: each clip again and again for so long, since drift over a minute needs a minute.
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

import numpy as np
import soundfile

from configs.kokoro import kokoro
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.track import track_faces
from lipsync_engine.measure.likeness import Figures, changed_figures
from lipsync_engine.measure.report_figures import same_person
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


def _share_of_real(share: float) -> Callable[[float | None], tuple[float, float]]:
    return lambda real: (share * (1.0 if real is None else real), np.inf)


TARGETS = (
    Target("closure_rate", "real - .05", lambda real: ((1.0 if real is None else real) - 0.05, np.inf)),
    Target("open_closed_ratio", ">= 3.5", _between(3.5, np.inf)),
    Target("silence_motion", "own + .02", lambda real: (0.0, (real or 0.0) + 0.02)),
    Target("silence_opening", "<= .018, own", lambda real: (0.0, max(0.018, real or 0.0))),
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
    Target("seam_ratio", "<= 1.1", _between(0, 1.1)),
    Target("jitter_ratio", "<= 1.1", _between(0, 1.1)),
    Target("flicker_ratio", "<= 1.1", _between(0, 1.1)),
    Target("flow_residual_ratio", "<= 1.1", _between(0, 1.1)),
    Target("lip_thickness_ratio", ".9 - 1.1", _between(0.9, 1.1)),
    Target("lip_colour_shift", "<= 5", _between(0, 5)),
    Target("open_teeth_share", "<= .05", _between(0, 0.05)),
    Target("rounded_wide_share", "0", _between(0, 0)),
    Target("longest_hold_frames", "<= 4", _between(0, 4)),
    Target("blended_share", "<= .15", _between(0, 0.15)),
    Target("mouth_sharpness_low", ">= .85", _between(0.85, np.inf)),
    Target("mouth_sharpness_high", "<= 1.15", _between(0, 1.15)),
    Target("one_frame_openings", "<= 1", _between(0, 1)),
    Target("lip_speed_ratio", "<= 1.15", _between(0, 1.15)),
    Target("lip_acceleration_ratio", "<= 1.3", _between(0, 1.3)),
    Target("outside_mask_max_diff", "0", _between(0, 0)),
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


def dub(language: str, duration_s: float, voice: Voice = by_espeak) -> Spoken:
    """Sentences with pauses of 450 ms, from 0.4 s on, as many as fit (at least one, cut off at the end)."""
    placed: list[tuple[int, tuple[Phone, ...]]] = []
    sound = np.zeros(0, np.float32)
    clock_ms, sentences = 400, cycle(SENTENCES[language])
    while True:
        samples, rate, phones = voice(next(sentences), language)
        length_ms = round(len(samples) * 1000 / rate)
        if placed and clock_ms + length_ms > duration_s * 1000 - 150:
            return sound, rate, concatenate(placed, int(duration_s * 1000))
        sound = sound if placed else np.zeros(int(duration_s * rate), np.float32)
        first = clock_ms * rate // 1000
        part = samples[: max(0, len(sound) - first)]
        sound[first : first + len(part)] += part
        placed.append((clock_ms, phones))
        clock_ms += length_ms + 450


def runs(
    clips: list[Path],
    languages: list[str],
    scripts: dict[str, str],
    loop_s: float | None = None,
    voices: Sequence[str] = ("espeak",),
) -> Iterator[tuple[str, str, EngineReport, Figures]]:
    """The voice, the engine's report and what the pixels tell, for every clip (repeated until ``loop_s``), language
    and voice."""
    with tempfile.TemporaryDirectory() as folder:
        for named in clips:
            clip = _looped(named, loop_s, Path(folder)) if loop_s else named
            track: FaceTrack = analyse(clip, Path(folder) / "track.npz")
            if not len(track.times_s):
                continue
            script = next((text for name, text in scripts.items() if str(clip).endswith(name)), "")  # none of a loop
            own = align_file(clip, script, "en-us").phones if script else None
            for language, voice in product(languages, voices):
                sound, rate, phones = dub(language, float(track.times_s[-1]) + 0.04, VOICES[voice])
                audio = Path(folder) / "dub.wav"
                soundfile.write(audio, sound, rate)
                out = Path(folder) / "out.mp4"
                report = resync(clip, audio, phones, track, out, source_phones=own)
                yield voice, f"{clip.stem}/{language}", report, _pixels(clip, track, out)


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
    head = f"{'figure':28}{'value':>8}{'worst':>8}" + "".join(f"{row:>15}" for row in ROWS) + f"  {'target':12}"
    lines, passed = [head], True
    for target in TARGETS:
        values = [v for _, r, more in reports if (v := _figure(r, more, target.figure)) is not None]
        controls = {
            row: _mean([v for _, r, _ in reports if (v := _control(r, row, target.figure)) is not None]) for row in ROWS
        }
        value, worst, verdict = _mean(values), None, "not defined"
        if value is not None:
            worst = max(values, key=lambda v: target.miss(v, controls["real"]))
            verdict = "pass" if target.miss(value, controls["real"]) <= 0 else "FAIL"
        if (
            verdict == "FAIL"
            and target.figure == "source_partial_correlation"
            and abs(value or 0) <= 2 * _noise(reports)
        ):
            verdict = f"within noise ({_noise(reports):.3f})"
        passed &= verdict != "FAIL"
        lines.append(
            f"{target.figure:28}{_cell(value):>8}{_cell(worst):>8}"
            + "".join(f"{_cell(controls[row]):>15}" for row in ROWS)
            + f"  {target.asked:12}{verdict} (n={len(values)})"
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
    parser.add_argument("--quick", action="store_true", help="two clips of three seconds")
    parser.add_argument("--loop", type=float, metavar="SECONDS", help="repeat each clip for so long")
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
    reports: dict[str, list[tuple[str, EngineReport, Figures]]] = {voice: [] for voice in voices}
    for voice, name, report, more in runs(clips, languages, scripts, options.loop, voices):
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
