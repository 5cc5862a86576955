"""Wav2Lip's public code and the engine on one clip: ``python -m benchmarks.lipsync_wav2lip --wav2lip DIR VIDEO AUDIO``.

``DIR`` is a checkout of github.com/Rudrabha/Wav2Lip (for research only by its licence; nothing of it is kept here). Its
weights are not public in a form that may be shipped, and time does not depend on them: networks of its own code get
random ones. A random detector finds no face, on which its program ends, so its stages are timed apart, each on a few
frames, in the order and with the calls of its ``inference.py``, and added up for a frame. Left out, in its favour: the
detector's post-processing, the mel spectrogram, start-up, and reading the picture into memory whole. The engine runs
whole: analysis (once a title), plan, drawing and encoding of the entire clip.

Seconds are of the CPU (user and system, of child processes too) for one frame, and by the clock.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lipsync_engine.records import Phone
from lipsync_engine.resync import Options, analyse, resync
from lipsync_engine.speech.phones import phones_for

#: Pixels of Wav2Lip's square face, mel bands and steps of its sound window (its ``inference.py``).
_FACE, _MEL = 96, (80, 16)
_MEANS = np.array([104, 117, 123])

Times = tuple[float, float]  # CPU seconds, seconds by the clock


def timed(work: Callable[[], object]) -> Times:
    """CPU seconds (children too) and clock seconds of some work."""
    before, clock = os.times(), perf_counter()
    work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4]), perf_counter() - clock


def networks(checkout: Path) -> tuple[Any, Any]:
    """The detector (S3FD) and the generator of the checkout, with random weights."""
    torch.manual_seed(0)
    place = checkout / "face_detection" / "detection" / "sfd" / "net_s3fd.py"
    spec = importlib.util.spec_from_file_location("net_s3fd", place)
    if spec is None or spec.loader is None or not place.exists():
        raise SystemExit(f"{checkout} is no checkout of Wav2Lip")
    detector = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(detector)
    sys.path.insert(0, str(checkout))
    from models import Wav2Lip  # of the checkout

    return detector.s3fd().eval(), Wav2Lip().eval()


def wav2lip(checkout: Path, video: Path, audio: Path, count: int, detections: int, device: str) -> dict[str, Times]:
    """Seconds for one frame of each stage."""
    detector, generator = (net.to(device) for net in networks(checkout))
    frames: list[NDArray[np.uint8]] = []

    def decode() -> None:
        stream = cv2.VideoCapture(str(video))
        while len(frames) < count:
            found, frame = stream.read()
            if not found:
                break
            frames.append(np.asarray(frame, np.uint8))

    def detect() -> None:
        for frame in frames[:detections]:
            image = torch.from_numpy((frame[None, ..., ::-1] - _MEANS).transpose(0, 3, 1, 2)).float().to(device)
            with torch.no_grad():
                [x.cpu() for x in detector(image)]

    def generate() -> None:
        faces = np.stack([cv2.resize(f, (_FACE, _FACE)) for f in frames])
        hidden = faces.copy()
        hidden[:, _FACE // 2 :] = 0
        images = torch.FloatTensor(np.concatenate((hidden, faces), axis=3).transpose(0, 3, 1, 2) / 255.0).to(device)
        mels = torch.zeros(len(frames), 1, *_MEL, device=device)
        with torch.no_grad():
            drawn.append(generator(mels, images).cpu().numpy().transpose(0, 2, 3, 1) * 255.0)

    drawn: list[NDArray[np.float32]] = []
    out: dict[str, Times] = {}
    out["decode"] = timed(decode)
    count = len(frames)
    height, width = frames[0].shape[:2]
    side = min(height, width) // 3
    with tempfile.TemporaryDirectory() as folder:
        first, last = Path(folder) / "result.avi", Path(folder) / "result.mp4"

        def paste() -> None:
            writer = cv2.VideoWriter(str(first), cv2.VideoWriter.fourcc(*"DIVX"), 25.0, (width, height))
            for frame, face in zip(frames, drawn[0], strict=True):
                frame = frame.copy()
                frame[:side, :side] = cv2.resize(face.astype(np.uint8), (side, side))
                writer.write(frame)
            writer.release()

        def encode() -> None:
            sound = ["-t", count / 25.0, "-i", audio]
            command = ["ffmpeg", "-v", "error", "-y", *sound, "-i", first, "-map", "0:a", "-map", "1:v"]
            command += ["-strict", "-2", "-q:v", "1", last]
            subprocess.run([str(part) for part in command], check=True)

        out["detect"] = timed(detect)
        out["generate"] = timed(generate)
        out["paste, first encode"] = timed(paste)
        out["second encode"] = timed(encode)
    of = {stage: min(detections, count) if stage == "detect" else count for stage in out}
    return {stage: (cpu / of[stage], clock / of[stage]) for stage, (cpu, clock) in out.items()}


def engine(video: Path, audio: Path, phones: tuple[Phone, ...], device: str) -> dict[str, Times]:
    """Seconds for one frame of the engine's two calls on the whole clip."""
    with tempfile.TemporaryDirectory() as folder:
        stored, out = Path(folder) / "track.npz", Path(folder) / "out.mp4"
        frames: list[int] = []
        analysing = timed(lambda: frames.append(len(analyse(video, stored).times_s)))
        drawing = timed(lambda: resync(video, audio, phones, stored, out, Options(measure=False, device=device)))
    return {
        "analyse (once a title)": (analysing[0] / frames[0], analysing[1] / frames[0]),
        "resync (every language)": (drawing[0] / frames[0], drawing[1] / frames[0]),
    }


def show(name: str, stages: dict[str, Times]) -> Times:
    """Print the stages; their sum."""
    total = (sum(t[0] for t in stages.values()), sum(t[1] for t in stages.values()))
    print(name)
    for stage, (cpu, clock) in {**stages, "together": total}.items():
        print(f"  {stage:26}{cpu:10.4f} CPU s{clock:10.4f} s a frame", flush=True)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wav2lip", type=Path, required=True, help="checkout of its repository")
    parser.add_argument("--frames", type=int, default=16, help="frames for every stage but the detector")
    parser.add_argument("--detections", type=int, default=2, help="frames for the detector")
    parser.add_argument("--text", help="what the audio says; without, the mouth says 'mamama': the time is the same")
    parser.add_argument("--language", default="en")
    parser.add_argument("video", type=Path)
    parser.add_argument("audio", type=Path)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    syllables = [Phone("a" if n % 2 else "m", 120 * n, 120 * (n + 1), 0) for n in range(5000)]
    phones = phones_for(options.audio, options.text, options.language) if options.text else tuple(syllables)
    print(f"{options.video.name} on {device}, {torch.get_num_threads()} threads", flush=True)
    ours = show("engine, whole clip", engine(options.video, options.audio, phones, "auto"))
    stages = wav2lip(options.wav2lip, options.video, options.audio, options.frames, options.detections, device)
    theirs = show(f"Wav2Lip, {options.frames} frames (detector {options.detections}), extrapolated", stages)
    print(f"ratio {theirs[0] / ours[0]:.1f} in CPU time, {theirs[1] / ours[1]:.1f} by the clock")


if __name__ == "__main__":
    main()
