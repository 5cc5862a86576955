"""Command line of the engine: ``python -m lipsync_engine resync|measure|animate``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lipsync_engine.faces.track import Progress
from lipsync_engine.media.staging import staged
from lipsync_engine.records import Phone

if TYPE_CHECKING:
    from lipsync_engine.resync import Options


_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when done, 2 on bad input or usage (nothing is written then)."""
    options = _parser().parse_args(arguments)
    try:
        result: int = options.run(options)
        return result
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lipsync_engine", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    resync = commands.add_parser("resync", help="make the mouth speak a dub")
    resync.add_argument("--video", type=Path, required=True)
    _speech(resync)
    resync.add_argument("--out", type=Path, required=True)
    resync.add_argument("--analysis", type=Path, help="face track: used if it exists, else written")
    resync.add_argument("--report", type=Path)
    resync.add_argument("--source-phones", type=Path, help="what the video itself says (JSON): the speaker's own ways")
    _style(resync)
    resync.add_argument("--span", type=_span, action="append", default=[], metavar="12.0-15.5", help="seconds; again")
    resync.add_argument("--into", type=Path, help="earlier render, of which only the spans are rendered again")
    resync.add_argument(
        "--refine",
        type=float,
        nargs="?",
        const=-1.0,
        metavar="SECONDS",
        help="teach and use a residual network; without SECONDS 180 on a GPU, none on a CPU",
    )
    resync.add_argument("--no-stabilise", action="store_true", help="faces as the network finds them, only smoothed")
    resync.add_argument("--preview", type=float, metavar="SECONDS", help="only the beginning, unmeasured")
    resync.set_defaults(run=_resync)
    measure = commands.add_parser("measure", help="measure how well a picture speaks a text")
    measure.add_argument("--video", type=Path, required=True)
    _speech(measure)
    measure.add_argument("--reference", type=Path, help="real footage of the speaker, for the speaker's own range")
    measure.add_argument("--source-phones", type=Path, help="what the reference itself says (JSON)")
    measure.add_argument("--truth", type=Path, help="real footage of the very words: PSNR and SSIM of the mouth")
    measure.add_argument("--report", type=Path, required=True)
    measure.set_defaults(run=_measure)
    animate = commands.add_parser("animate", help="make a still speak")
    animate.add_argument("--image", type=Path, required=True)
    _speech(animate)
    animate.add_argument("--out", type=Path, required=True)
    animate.add_argument("--report", type=Path)
    _style(animate)
    animate.set_defaults(run=_animate)
    return parser


def _speech(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--audio", type=Path, required=True, help="the dub")
    parser.add_argument("--text-file", type=Path, help="what the dub says, UTF-8")
    parser.add_argument("--language", help="BCP-47 tag of the text")
    parser.add_argument("--phones", type=Path, help="phone timeline (JSON) instead of a text")


def _style(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--expression", choices=("preserve", "natural", "expressive"), default="natural")
    parser.add_argument("--mode", choices=("phoneme", "syllable"), default="phoneme", help="syllable: for cartoons")
    parser.add_argument("--lead", type=float, metavar="MS", help="the mouth runs ahead of the sound by so much")
    parser.add_argument("--trust-phones", action="store_true", help="speak even what the sound does not bear out")
    parser.add_argument("--crf", type=int, choices=range(41), default=17, metavar="0-40", help="lower is better")
    parser.add_argument("--preset", choices=_PRESETS, default="veryfast", help="speed of the encoder")


def _span(text: str) -> tuple[float, float]:
    start, dash, end = text.partition("-")
    try:
        if dash:
            return float(start), float(end)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a span: write seconds as 12.0-15.5")


def _phones(options: argparse.Namespace) -> tuple[Phone, ...]:
    from lipsync_engine.speech.align import unread
    from lipsync_engine.speech.phones import phones_for, read_phones

    for path in (options.audio, options.text_file, options.phones):
        if path is not None and not path.is_file():
            raise ValueError(f"{path}: no such file")
    if options.phones is not None:
        return read_phones(options.phones)
    if options.text_file is None or not options.language:
        raise ValueError("give --text-file and --language, or --phones")
    text = options.text_file.read_text("utf-8")
    if signs := unread(text, options.language):
        print(f"warning: {signs} characters cannot be read: neutral syllables replace them", file=sys.stderr)
    return phones_for(options.audio, text, options.language)


def _options(options: argparse.Namespace) -> Options:
    from lipsync_engine.resync import Options

    refine: float | None = getattr(options, "refine", None)
    return Options(
        strength=options.strength,
        expression=options.expression,
        device=options.device,
        mode=options.mode,
        lead_ms=options.lead,
        trust_phones=options.trust_phones,
        crf=options.crf,
        preset=options.preset,
        spans=tuple(getattr(options, "span", ())),
        preview_s=getattr(options, "preview", None),
        into=getattr(options, "into", None),
        refine=refine is not None,
        refine_s=None if refine is None or refine < 0 else refine,
    )


def _progress(stage: str) -> Progress:
    def show(share: float, message: str) -> None:
        print(f"{stage}: {share:4.0%} {message}", file=sys.stderr)

    return show


def _resync(options: argparse.Namespace) -> int:
    from lipsync_engine.faces.facetrack import FaceTrack
    from lipsync_engine.media.mux import add_sound
    from lipsync_engine.resync import analyse, resync
    from lipsync_engine.speech.phones import read_phones

    _need(options.video, options.out)
    if options.into is not None:
        _need(options.into, options.out)
    style = _options(options)
    phones = _phones(options)
    with tempfile.TemporaryDirectory(dir=options.out.parent, prefix=".lipsync") as folder:
        stored = options.analysis or Path(folder) / "track.npz"
        if stored.exists():
            track = FaceTrack.load(stored)
        else:
            device = "cuda" if options.device == "cuda" else "cpu"
            until = None if options.analysis else options.preview  # what is kept for later is whole
            steady = not options.no_stabilise
            track = analyse(
                options.video, stored, until_s=until, device=device, stabilise=steady, progress=_progress("track")
            )
        picture = Path(folder) / "picture.mp4"
        own = read_phones(options.source_phones) if options.source_phones else None
        report = resync(
            options.video, options.audio, phones, track, picture, style, _progress("render"), source_phones=own
        )
        add_sound(picture, options.audio, options.out, seconds=options.preview)
    if options.report:
        report.write(options.report)
    print(f"{options.out.name}: {report.edited} of {report.frames} frames edited", file=sys.stderr)
    return 0


def _measure(options: argparse.Namespace) -> int:
    from lipsync_engine.measure.report_figures import clip_figures
    from lipsync_engine.speech.phones import read_phones

    _need(options.video, options.report)
    for picture in filter(None, (options.reference, options.truth)):
        _need(picture, options.report)
    figures = clip_figures(
        options.video,
        _phones(options),
        options.audio,
        reference=options.reference,
        reference_phones=read_phones(options.source_phones) if options.source_phones else None,
        truth=options.truth,
        progress=_progress("track"),
    )
    text = json.dumps(figures, indent=2) + "\n"
    with staged(options.report) as part:
        part.write_text(text, "utf-8")
    return 0


def _animate(options: argparse.Namespace) -> int:
    from lipsync_engine.media.mux import add_sound
    from lipsync_engine.portrait import animate

    _need(options.image, options.out)
    phones = _phones(options)
    style = _options(options)
    with tempfile.TemporaryDirectory(dir=options.out.parent, prefix=".lipsync") as folder:
        picture = Path(folder) / "picture.mp4"
        report = animate(options.image, options.audio, phones, picture, style, _progress("render"))
        add_sound(picture, options.audio, options.out)
    if options.report:
        report.write(options.report)
    return 0


def _need(source: Path, target: Path) -> None:
    if not source.is_file():
        raise ValueError(f"{source}: no such file")
    if not target.parent.is_dir():
        raise ValueError(f"{target.parent}: no such folder")


if __name__ == "__main__":
    raise SystemExit(main())
