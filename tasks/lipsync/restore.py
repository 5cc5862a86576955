"""Restoration of faces in a system's result before compositing, by ffmpeg or by a tool in the user's checkout.

GFPGAN and CodeFormer work on images: the clip is split into frames and reassembled at its own rate. Their weights must
be in the checkout: nothing is downloaded.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import ffmpeg
from pydantic import Field

from tasks.lipsync.local import checkout
from tasks.media import door, run_ffmpeg, sink, source
from tasks.media.encoding import intermediate_options
from tasks.records import registry
from tasks.records.errors import MissingBackendError


class Restore(registry.Options):
    """How faces are restored.

    Attributes:
        kind: ``sharpen`` needs nothing.
        checkout: folder of the tool's repository.
        python: the interpreter of the tool's own environment.
        fidelity: 0 looks best, 1 is closest to the input: CodeFormer's own weight; GFPGAN's does not work, so that
            share of the input is mixed back in.
        amount: strength of the sharpening.
        deadline_s: time limit for one clip, seconds.
    """

    kind: Literal["sharpen", "gfpgan", "codeformer"]
    checkout: Path | None = None
    python: str = sys.executable
    fidelity: float = Field(0.5, ge=0.0, le=1.0)
    amount: float = Field(0.6, gt=0.0, le=2.0)
    deadline_s: float = Field(3600.0, gt=0)


@dataclass(frozen=True)
class _Tool:
    """A checkout's program: its arguments, its output path, and the weights that it would download."""

    arguments: Callable[[Path, Path, Restore], list[str]]
    pictures: str
    weights: tuple[str, ...]
    licence: str
    clause: str = ""


_TOOLS = {
    "gfpgan": _Tool(
        lambda frames, out, _: [
            *("inference_gfpgan.py", "-v", "1.4", "-s", "1", "--bg_upsampler", "none"),
            *("-i", str(frames), "-o", str(out)),
        ],
        "restored_imgs",
        (
            "experiments/pretrained_models/GFPGANv1.4.pth",
            "gfpgan/weights/detection_Resnet50_Final.pth",
            "gfpgan/weights/parsing_parsenet.pth",
        ),
        "Apache-2.0, parts non-commercial",
        "parts from StyleGAN2 (NVIDIA Source Code License-NC) and DFDNet (CC-BY-NC-SA-4.0)",
    ),
    "codeformer": _Tool(
        lambda frames, out, options: [
            "inference_codeformer.py",
            *("-i", str(frames), "-o", str(out), "-s", "1", "-w", str(options.fidelity)),
        ],
        "final_results",
        (
            "weights/CodeFormer/codeformer.pth",
            "weights/facelib/detection_Resnet50_Final.pth",
            "weights/facelib/parsing_parsenet.pth",
        ),
        "S-Lab-1.0",
        "S-Lab License 1.0, clause 4: for non-commercial use only",
    ),
}


def facts(options: Restore) -> registry.BackendFacts:
    """The tool's licence."""
    tool = _TOOLS.get(options.kind)
    if tool is None:
        return registry.BackendFacts(name=options.kind, code_licence="Apache-2.0")
    return registry.BackendFacts(
        name=options.kind, code_licence=tool.licence, weights_licence=tool.licence, commercial=False, clause=tool.clause
    )


def missing(options: Restore) -> list[str]:
    """What is missing in the tool's checkout."""
    tool = _TOOLS.get(options.kind)
    if tool is None:
        return []
    if options.checkout is None or not options.checkout.is_dir():
        return [f"{options.kind}: set its checkout with the option restore.checkout."]
    absent = [name for name in tool.weights if not (options.checkout / name).is_file()]
    return [f"{options.kind}: {options.checkout / name} does not exist; nothing is downloaded." for name in absent]


def restore(clip: Path, out: Path, options: Restore) -> None:
    """Write the clip with restored faces, of the same size, rate and length.

    Args:
        clip: a system's result.
        out: the restored clip.
        options: how faces are restored.

    Raises:
        MissingBackendError: the checkout lacks something.
        ProcessFailedError, ProcessTimeoutError: the tool skipped frames.
    """
    if lacks := missing(options):
        raise MissingBackendError(lacks[0], "Put it there, or choose restore.kind sharpen.")
    tool = _TOOLS.get(options.kind)
    if tool is None:
        amount = options.amount
        sharper = source(clip).video.filter("unsharp", lx=5, ly=5, la=amount, cx=3, cy=3, ca=0)
        run_ffmpeg(sink(sharper, out, **intermediate_options()))
        return
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="restore") as folder:
        frames, made = Path(folder) / "frames", Path(folder) / "made"
        frames.mkdir()
        run_ffmpeg(sink(source(clip).video, frames / "%06d.png", fps_mode="passthrough"))
        command = [options.python, *tool.arguments(frames.absolute(), made.absolute(), options)]
        assert options.checkout is not None
        ended = checkout.run(command, options.checkout, deadline_s=options.deadline_s)
        wanted = len(list(frames.glob("*.png")))
        done = len(list((made / tool.pictures).glob("*.png")))
        if done != wanted:
            raise ended.failed(f"{options.kind} restored {done} of {wanted} frames")
        pictures = ffmpeg.input(str((made / tool.pictures).absolute() / "%06d.png"), framerate=_rate(clip))
        shown = pictures.video
        if options.kind == "gfpgan":
            both = [ffmpeg.input(str(frames.absolute() / "%06d.png"), framerate=_rate(clip)).video, shown]
            shown = ffmpeg.filter(both, "mix", inputs=2, weights=f"{options.fidelity} {1 - options.fidelity}")
        run_ffmpeg(sink(shown, out, **intermediate_options()))


def _rate(clip: Path) -> str:
    words = ["-select_streams", "V:0", "-show_entries", "stream=avg_frame_rate", "-of", "csv=p=0"]
    return door.answer(clip, *words).decode().strip()
