"""What the engine draws over: fingers of the face's own colour come up before the lips.

    python -m benchmarks.lipsync_covers [CLIP] [--out DIR]

Paints a finger from the picture's lower edge to the upper lip into a talking head, in turns of several widths and
contrasts against the chin's skin, resynchronises the title to an eSpeak dub and compares it with what went in. A frame
is ``left`` where it passed through, ``kept`` where the finger's pixels stayed, and ``over`` where more than a tenth of
those about the mouth changed by more than an encoder changes them. Half of the title has a finger: observations
show some, too.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.clips import CLIPS, MEDIA
from benchmarks.lipsync_speed import speech
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import CHIN, OUTER_TOP, fit_poses
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.media import video
from lipsync_engine.resync import Options, analyse, resync

#: Widths in face widths, and contrasts in 8-bit levels against the skin of the chin.
WIDTHS, CONTRASTS = (0.06, 0.12, 0.25, 0.5), (0, 12, 25, 50)
#: Frames that a finger is there, and frames between two.
_SHOWN, _BETWEEN = 24, 18
#: Changes of a pixel that an encoder may make, levels, and the share of changed pixels from which one was drawn over.
_CHANGED, _OVER = 14.0, 0.1
_TEXTURE = 3.0


@dataclass(frozen=True)
class Finger:
    """One finger: its width in face widths, its contrast in levels, and the first frame that it is in."""

    width: float
    contrast: int
    first: int

    def among(self, frame: int) -> bool:
        """Whether it is in the picture."""
        return self.first <= frame < self.first + _SHOWN


def turns(frames: int) -> list[list[Finger]]:
    """All fingers, as many a title as it has room for."""
    room = max(1, (frames - _BETWEEN) // (_SHOWN + _BETWEEN))
    kinds = list(product(WIDTHS, CONTRASTS))
    parts = [kinds[i : i + room] for i in range(0, len(kinds), room)]
    return [[Finger(*kind, _BETWEEN + n * (_SHOWN + _BETWEEN)) for n, kind in enumerate(part)] for part in parts]


def shape(mesh: NDArray[np.float32], width_px: float, finger: Finger, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Where the finger is, uint8 [h, w], 255 inside, its edge soft by a pixel."""
    out = np.zeros((size[1], size[0]), np.uint8)
    thick = finger.width * width_px
    x, top = mesh[OUTER_TOP]
    ends = (int(x), int(top + thick / 2)), (int(x), size[1] + int(thick))
    cv2.line(out, *ends, (255,), max(1, round(thick)), cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(out, (0, 0), 1.0), np.uint8)


def painted(
    clip: Path, track: FaceTrack, fingers: list[Finger], out: Path
) -> dict[int, tuple[Finger, NDArray[np.bool_]]]:
    """Write the clip with these fingers; where they lie before the mouth, by frame."""
    own = track.of(track.identities[0])
    row = {int(f): i for i, f in enumerate(own.frame)}
    scale = fit_poses(own.landmarks).scale
    info = video.probe(clip)
    width, height = (int(n) for n in track.size)
    rate = 1 / float(np.median(np.diff(track.times_s)))
    grain = np.random.default_rng(0).normal(0, _TEXTURE, (height, width, 1))
    places: dict[int, tuple[Finger, NDArray[np.bool_]]] = {}
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    command += ["-r", f"{rate:.5f}", "-i", "-", "-i", str(clip), "-map", "0:v", "-map", "1:a?"]
    command += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "12", "-pix_fmt", "yuv420p", str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for frame in video.read(clip, info):
            rgb = frame.rgb()
            finger = next((f for f in fingers if f.among(frame.index)), None)
            if finger is not None and frame.index in row:
                mesh = own.landmarks[row[frame.index], :, :2]
                cover = shape(mesh, float(scale[row[frame.index]]), finger, (width, height))
                x, y = ((mesh[CHIN] + mesh[17]) / 2).astype(int)
                skin = np.median(rgb[y - 4 : y + 5, x - 4 : x + 5].reshape(-1, 3), axis=0)
                alpha = cover[..., None] / 255.0
                rgb = np.clip(rgb * (1 - alpha) + (skin + finger.contrast + grain) * alpha, 0, 255).astype(np.uint8)
                about = np.zeros((height, width), np.uint8)
                cv2.fillConvexPoly(about, cv2.convexHull(mesh[[*LIPS]].astype(np.int32)), (1,))
                places[frame.index] = finger, (cover > 200) & (about > 0)
            encoder.stdin.write(rgb.tobytes())
    if encoder.returncode:
        raise RuntimeError("ffmpeg did not encode the painted clip")
    return places


def verdicts(
    title: Path, result: Path, places: dict[int, tuple[Finger, NDArray[np.bool_]]]
) -> dict[Finger, dict[str, int]]:
    """Frames left, kept and drawn over, by finger."""
    found: dict[Finger, dict[str, int]] = {}
    for before, after in zip(*(video.read(p, video.probe(p)) for p in (title, result)), strict=False):
        if before.index not in places:
            continue
        finger, inside = places[before.index]
        change = np.abs(before.rgb().astype(np.int16) - after.rgb()).max(axis=2) > _CHANGED
        counts = found.setdefault(finger, {"left": 0, "kept": 0, "over": 0})
        over = inside.any() and change[inside].mean() > _OVER
        counts["over" if over else "kept" if change.any() else "left"] += 1
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path, default=MEDIA / CLIPS[0])
    parser.add_argument("--out", type=Path, help="keep the titles and the results here")
    options = parser.parse_args()
    print(f"{'width':>6} {'levels':>6} {'left':>5} {'kept':>5} {'over':>5}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        clean = analyse(options.clip, folder / "clean.npz")
        phones, samples, rate = speech(float(clean.times_s[-1]))
        soundfile.write(folder / "dub.wav", samples, rate)
        for number, fingers in enumerate(turns(len(clean.times_s))):
            title, result = folder / f"covered{number}.mp4", folder / f"result{number}.mp4"
            places = painted(options.clip, clean, fingers, title)
            track = analyse(title, folder / f"covered{number}.npz")
            resync(title, folder / "dub.wav", phones, track, result, Options(measure=False, device="cpu"))
            for finger, counts in verdicts(title, result, places).items():
                print(
                    f"{finger.width:6} {finger.contrast:6} {counts['left']:5} {counts['kept']:5} {counts['over']:5}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
