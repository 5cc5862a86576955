"""Contact sheets of resynchronised mouths, to be looked at one by one.

    python -m benchmarks.lipsync_sheets [CLIP...] --out DIR [--languages es fr de] [--voice espeak|kokoro] [--seconds 5]

Each clip (of the test media, by stem; or a path) speaks a short text in each language. A sheet shows open and rounded
vowels, closures, sibilants, /f/ and /v/, pauses, ends of sentences and the result's own worst jumps: the source above,
the result below, at whole multiples of native pixels, with the frame's number, what the mouth speaks there, and when.
``--seconds``: only so much of the clip is drawn, from its start; its mouths come from the whole clip all the same.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from functools import cache
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from benchmarks.clips import CLIPS, MEDIA
from benchmarks.lipsync_moments import TEXTS, Moment, moments
from benchmarks.lipsync_speech import VOICES
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses, to_canonical, to_image
from lipsync_engine.media import video
from lipsync_engine.records import Phone
from lipsync_engine.resync import Options, analyse, resync
from lipsync_engine.speech.phones import concatenate, shift

Image = NDArray[np.uint8]

#: A cell's width in pixels that the enlargement aims at, the cells in a row, and the height of a label.
_CELL, _COLUMNS, _STRIP = 300, 6, 22
#: The mouth's surroundings in face widths: half the width, and the height from the nose's base down.
_HALF, _ABOVE, _BELOW = 0.38, 0.06, 0.60
#: Seconds before the speech and between two rounds of it.
_PAUSE_S = 0.6


def spoken(language: str, seconds: float, wav: Path, voice: str) -> tuple[Phone, ...]:
    """Write the text's speech, repeated with pauses until it fills the time; its phones."""
    once, rate, phones = VOICES[voice](TEXTS[language], language)
    pause = np.zeros(round(_PAUSE_S * rate), np.float32)
    beat = len(once) + len(pause)
    times = max(1, int(np.ceil(seconds * rate / beat)))
    samples = np.concatenate([np.concatenate([pause, once])] * times)
    soundfile.write(wav, samples, rate)
    starts = [round(1000 * (n * beat + len(pause)) / rate) for n in range(times)]
    return concatenate([(s, phones) for s in starts], round(1000 * len(samples) / rate))


@cache
def _font() -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib and has the letters of the IPA."""
    return ImageFont.truetype(
        io.BytesIO(files("matplotlib").joinpath("mpl-data/fonts/ttf/DejaVuSans.ttf").read_bytes()), 14
    )


def strip(text: str, width: int) -> Image:
    """A line of text, white on black, uint8 [h, width, 3]."""
    line = Picture.new("RGB", (width, _STRIP))
    ImageDraw.Draw(line).text((3, 2), text, (255, 255, 255), _font())
    return np.asarray(line, np.uint8)


class Window:
    """Where the mouth is in each frame: a box that follows the head, its size that of the biggest face."""

    def __init__(self, track: FaceTrack) -> None:
        own = track.of(track.identities[0])
        poses = fit_poses(own.landmarks)
        middle = np.median(to_canonical(own.landmarks[:], poses), axis=0)
        low = np.array([[middle[2, 0], middle[2, 1] + (_BELOW - _ABOVE) / 2, middle[13, 2]]])
        self._row = {int(f): i for i, f in enumerate(own.frame)}
        self._centre = to_image(np.repeat(low[None], len(own.frame), axis=0), poses)[:, 0, :2]
        unit = float(np.percentile(poses.scale, 90))
        self.size = (int(2 * _HALF * unit) // 2 * 2, int((_BELOW + _ABOVE) * unit) // 2 * 2)
        self.zoom = max(1, round(_CELL / self.size[0]))

    def __contains__(self, frame: int) -> bool:
        return frame in self._row

    def cut(self, rgb: Image, frame: int) -> Image:
        """The box of one frame, edges repeated where it leaves the picture."""
        width, height = self.size
        left, top = np.round(self._centre[self._row[frame]] - np.array(self.size) / 2).astype(int)
        rows = np.clip(np.arange(top, top + height), 0, rgb.shape[0] - 1)
        columns = np.clip(np.arange(left, left + width), 0, rgb.shape[1] - 1)
        return np.asarray(rgb[rows][:, columns])


def jump_sizes(source: Path, result: Path, window: Window, frames: int) -> NDArray[np.float64]:
    """How much more the mouth's picture changes from the frame before than the source's does, float64 [T]."""
    out = np.full(frames, -np.inf)
    before: list[Image] | None = None
    for pair in zip(*(video.read(p, video.probe(p)) for p in (source, result)), strict=False):
        index = pair[0].index
        if index >= frames or index not in window:
            before = None
            continue
        now = [np.asarray(cv2.blur(window.cut(f.rgb(), index), (3, 3)), np.uint8) for f in pair]
        if before is not None:
            change = [float(np.abs(a.astype(np.int16) - b).mean()) for a, b in zip(now, before, strict=True)]
            out[index] = change[1] - change[0]
        before = now
    return out


def sheet(source: Path, result: Path, window: Window, wanted: list[Moment]) -> Image:
    """Pairs of enlarged mouths, the source above the result."""
    labels = {m.frame: m.label for m in wanted if m.frame in window}
    cells = []
    for pair in zip(*(video.read(p, video.probe(p)) for p in (source, result)), strict=False):
        index = pair[0].index
        if index in labels:
            crops = [window.cut(f.rgb(), index).repeat(window.zoom, 0).repeat(window.zoom, 1) for f in pair]
            cells.append(np.concatenate([strip(f"{index} {labels[index]}", crops[0].shape[1]), *crops]))
    if not cells:
        return np.zeros((_STRIP, _CELL, 3), np.uint8)
    blank = np.zeros_like(cells[0])
    cells += [blank] * (-len(cells) % _COLUMNS)
    rows = [np.concatenate(cells[i : i + _COLUMNS], axis=1) for i in range(0, len(cells), _COLUMNS)]
    return np.concatenate(rows)


def make(clip: Path, language: str, track: FaceTrack, options: argparse.Namespace) -> Path:
    """Resynchronise one clip to one language and write its sheet (and, beside it, the picture)."""
    length = float(track.times_s[-1])
    seconds = min(options.seconds or length, length)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "dub.wav"
        phones = spoken(language, seconds, wav, options.voice)
        target: Path = options.out / f"{clip.stem}.{language}.{options.voice}.png"
        result = target.with_suffix(".mp4")
        how = Options(measure=False, device=options.device, preview_s=seconds if seconds < length else None)
        report = resync(clip, wav, phones, track, result, how)
    window = Window(track)
    times = track.times_s[track.times_s < seconds]
    jumps = jump_sizes(clip, result, window, len(times))
    seen = shift(phones, -round(report.lead_ms or 0.0))  # the mouth leads
    chosen = moments(seen, times, jumps, options.count)
    whole = sheet(clip, result, window, chosen)
    head = strip(f"{target.stem}  {report.edited} of {report.frames} edited  {report.bypassed or ''}", whole.shape[1])
    cv2.imwrite(str(target), np.concatenate([head, whole])[..., ::-1])
    print(f"{target.name}: {report.edited} of {report.frames} edited, bypassed {report.bypassed}", flush=True)
    print("  " + ", ".join(f"{m.frame} {m.label}" for m in chosen), flush=True)
    for note in report.notes:
        print(f"  note: {note}", flush=True)
    return target


def main() -> None:
    """Make the sheets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", help="stems of clips of the test media, or paths; all without")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tracks", type=Path, help="folder of stored analyses, used and filled")
    parser.add_argument("--languages", nargs="+", choices=list(TEXTS), default=["es", "fr", "de"])
    parser.add_argument("--voice", choices=list(VOICES), default="espeak")
    parser.add_argument("--seconds", type=float, help="drawn, from the start; all without")
    parser.add_argument("--count", type=int, default=18, help="about so many frames a sheet")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    known = {Path(c).stem: MEDIA / c for c in CLIPS}
    chosen = [known.get(c, Path(c)) for c in options.clips] or list(known.values())
    tracks = options.tracks or options.out
    tracks.mkdir(parents=True, exist_ok=True)
    for clip in chosen:
        track = analysed(clip, tracks / f"{clip.stem}.npz")
        for language in options.languages:
            make(clip, language, track, options)


def analysed(clip: Path, stored: Path) -> FaceTrack:
    """The clip's analysis, read where it is stored and of this version, else made and stored."""
    if stored.exists():
        try:
            return FaceTrack.load(stored)
        except ValueError:  # written by another version of the engine
            pass
    return analyse(clip, stored)


if __name__ == "__main__":
    main()
