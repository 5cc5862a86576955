"""Contact sheets of resynchronised mouths: ``python -m benchmarks.lipsync_sheets --out DIR [CLIP ...]``.

Every clip of the test media (or those named, by stem) speaks ``--languages`` of four texts, spoken by eSpeak NG. A
sheet shows closures, open vowels, rounded vowels, pauses and the result's own worst jumps: the source above, the result
below, at whole multiples of native pixels, with the frame's number and what the mouth speaks there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.clips import CLIPS, MEDIA
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import fit_poses, to_canonical, to_image
from lipsync_engine.media import video
from lipsync_engine.records import Phone
from lipsync_engine.resync import Options, analyse, resync
from lipsync_engine.speech import espeak
from lipsync_engine.speech.articulation import segments
from lipsync_engine.speech.phones import concatenate

Image = NDArray[np.uint8]

TEXTS = {
    "es": "Mamá baja la papa blanca. Por la mañana mi amigo bebe un vaso de agua fría. Vamos a ver el puente nuevo.",
    "fr": "Ma petite maman boit beaucoup d'eau. Vous pouvez venir demain matin, nous parlerons de la pomme rouge.",
    "de": "Meine Mutter backt morgen Brot. Wir haben viele Bücher gekauft, und du liebst den schönen Vogel.",
    "ja": "まいあさ パンを たべます。 ぼくの ともだちは うみが すきです。 こんばんは、 おげんきですか。",
}
#: A cell's width in pixels that the enlargement aims at, and the cells in a row.
_CELL, _COLUMNS = 300, 6
#: The mouth's surroundings in face widths: half the width, and the height from the nose's base down.
_HALF, _ABOVE, _BELOW = 0.38, 0.06, 0.60


@dataclass(frozen=True)
class Moment:
    """A frame worth looking at and why."""

    frame: int
    label: str


def spoken(language: str, seconds: float, wav: Path) -> tuple[Phone, ...]:
    """Write the text's speech, repeated with pauses until it fills the time; its phones."""
    once = espeak.synthesize(TEXTS[language], espeak.voice_for(language))
    pause = np.zeros(round(0.8 * once.sample_rate_hz), np.float32)
    beat = len(once.samples) + len(pause)
    times = max(1, round(seconds * once.sample_rate_hz / beat))
    samples = np.concatenate([np.concatenate([pause, once.samples])] * times)
    soundfile.write(wav, samples, once.sample_rate_hz)
    starts = [round(1000 * (n * beat + len(pause)) / once.sample_rate_hz) for n in range(times)]
    return concatenate([(s, once.phones) for s in starts], round(1000 * len(samples) / once.sample_rate_hz))


def kind_of(phone: Phone) -> str:
    """What is looked at in a phone; empty for phones that show little."""
    if not phone.ipa:
        return "pause" if phone.end_ms - phone.start_ms >= 400 else ""
    found = segments(phone.ipa)
    kinds = {
        "closure": any(s.place == "bilabial" for s in found),
        "teeth": any(s.place == "labiodental" for s in found),
        "open": any(s.place == "vowel" and s.height >= 0.8 for s in found),
        "round": any(s.place == "vowel" and s.rounded for s in found),
    }
    return next((kind for kind, seen in kinds.items() if seen), "")


def moments(
    phones: Sequence[Phone], times: NDArray[np.float64], jumps: NDArray[np.float64], count: int
) -> list[Moment]:
    """Frames spread over kinds of sounds and over time, and the worst jumps, in order of time."""
    kinds: dict[str, list[Moment]] = {"closure": [], "open": [], "round": [], "teeth": [], "pause": []}
    for before, phone in zip((None, *phones), phones, strict=False):
        middle = (phone.start_ms + phone.end_ms) / 2000
        if middle >= times[-1]:
            break
        if kind := kind_of(phone):
            label = f"{before.ipa if before else ''}[{phone.ipa}]" if phone.ipa else "pause"
            kinds[kind].append(Moment(int(np.abs(times - middle).argmin()), label))
    worst = [int(f) for f in np.argsort(-jumps)[:40]]
    spread: list[int] = []
    for frame in worst:
        if all(abs(frame - other) > 5 for other in spread):
            spread.append(frame)
    share = {"closure": 0.25, "open": 0.25, "round": 0.17, "teeth": 0.08, "pause": 0.08}
    chosen = {f: Moment(f, "jump") for f in spread[: max(1, round(0.17 * count))]}
    for kind, part in share.items():
        rows = kinds[kind]
        for at in np.linspace(0, len(rows) - 1, min(len(rows), max(1, round(part * count)))).round().astype(int):
            chosen.setdefault(rows[at].frame, rows[at])
    return [chosen[f] for f in sorted(chosen)][:count]


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
            strip = np.zeros((24, crops[0].shape[1], 3), np.uint8)
            # the label is drawn in ASCII: OpenCV's fonts have no IPA
            text = f"{index} {labels[index]}".encode("ascii", "replace").decode()
            cv2.putText(strip, text, (3, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
            cells.append(np.concatenate([strip, *crops]))
    if not cells:
        return np.zeros((24, _CELL, 3), np.uint8)
    blank = np.zeros_like(cells[0])
    cells += [blank] * (-len(cells) % _COLUMNS)
    rows = [np.concatenate(cells[i : i + _COLUMNS], axis=1) for i in range(0, len(cells), _COLUMNS)]
    return np.concatenate(rows)


def make(clip: Path, language: str, track: FaceTrack, out: Path, count: int, device: str) -> Path:
    """Resynchronise one clip to one language and write its sheet (and, beside it, the picture)."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "dub.wav"
        phones = spoken(language, float(track.times_s[-1]), wav)
        result = out / f"{clip.stem}.{language}.mp4"
        report = resync(clip, wav, phones, track, result, Options(measure=False, device=device))
        window = Window(track)
        jumps = jump_sizes(clip, result, window, len(track.times_s))
        chosen = moments(phones, track.times_s + (report.lead_ms or 0.0) / 1000, jumps, count)  # the mouth leads
        target = out / f"{clip.stem}.{language}.png"
        cv2.imwrite(str(target), sheet(clip, result, window, chosen)[..., ::-1])
    print(f"{target.name}: {report.edited} of {report.frames} edited, bypassed {report.bypassed}", flush=True)
    print("  " + ", ".join(f"{m.frame} {m.label}" for m in chosen), flush=True)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", help="stems of clips of the test media, or paths")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tracks", type=Path, help="folder of stored analyses, used and filled")
    parser.add_argument("--languages", type=int, default=3, help="how many of the four texts each clip speaks")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    known = {Path(c).stem: MEDIA / c for c in CLIPS}
    chosen = [known.get(c, Path(c)) for c in options.clips] or list(known.values())
    tracks = options.tracks or options.out
    tracks.mkdir(parents=True, exist_ok=True)
    for number, clip in enumerate(chosen):
        stored = tracks / f"{clip.stem}.npz"
        try:
            track = FaceTrack.load(stored) if stored.exists() else analyse(clip, stored)
        except ValueError:  # written by another version of the engine
            track = analyse(clip, stored)
        for step in range(options.languages):
            make(clip, list(TEXTS)[(number + step) % len(TEXTS)], track, options.out, options.count, options.device)


if __name__ == "__main__":
    main()
