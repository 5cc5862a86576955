"""One script as subtitle files of every format that is asked for, and what they do not keep of the guide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from configs.subtitle_files import Format
from tasks.records.facts import PictureFacts
from tasks.records.script import Script
from tasks.words.cues import DEFAULT_RATE, Cue
from tasks.words.delivered import read_back
from tasks.words.guide import Frames, guide_cues
from tasks.words.guide_check import unmet
from tasks.words.imsc import write_ebuttd, write_imsc
from tasks.words.subtitles import write_cues

#: By format: how the file's name ends.
ENDINGS: dict[Format, str] = {"srt": "srt", "vtt": "vtt", "imsc": "imsc.ttml", "ebu-tt-d": "ebu-tt-d.xml"}
_XML: dict[Format, Callable[..., bytes]] = {"imsc": write_imsc, "ebu-tt-d": write_ebuttd}


@dataclass(frozen=True)
class Screen:
    """The picture under the subtitles.

    Attributes:
        frames: of it.
        size: as it is shown: pixels, square ones.
        duration_ms: of the title.
        cuts_ms: when its shots change.
    """

    frames: Frames
    size: tuple[int, int]
    duration_ms: int
    cuts_ms: tuple[int, ...] = ()

    @classmethod
    def of(cls, picture: PictureFacts, duration_ms: int, cuts_ms: tuple[int, ...] = ()) -> Screen:
        """What subtitles need to know of a picture.

        Args:
            picture: as probed.
            duration_ms: of the title.
            cuts_ms: when its shots change.
        """
        width, height = round(picture.width * Fraction(picture.aspect)), picture.height
        size = (height, width) if picture.rotation in (90, 270) else (width, height)
        return cls(Frames(picture.frame_rate, picture.start_ms), size, duration_ms, cuts_ms)

    @classmethod
    def usual(cls, duration_ms: int) -> Screen:
        """What is assumed where there is no picture: 1920x1080 at 25 frames a second.

        Args:
            duration_ms: of the title.
        """
        return cls(Frames(DEFAULT_RATE, 0), (1920, 1080), duration_ms)


def write_files(
    script: Script, screen: Screen, formats: Sequence[Format], folder: Path, *, variant: str = "", title: str = ""
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Write a script's subtitles and read them again.

    Args:
        script: the lines to show.
        screen: the picture under them.
        formats: of the files.
        folder: where they go.
        variant: ``sdh`` or ``forced``; empty for the plain ones.
        title: of the work.

    Returns:
        The files by name, and notes on rules of the guide that the files do not keep.
    """
    cues = guide_cues(script, screen.frames, screen.duration_ms, screen.cuts_ms)
    made, notes = {}, []
    for form in formats:
        name = ".".join(filter(None, ("script", variant, ENDINGS[form])))
        path = folder / name
        if form in _XML:
            forced = variant == "forced"
            rate, size = screen.frames.rate, screen.size
            path.write_bytes(_XML[form](cues, script.language, rate, size, title=title, forced=forced))
        else:
            write_cues(cues, script.language, path)
        made[name] = path
        notes.append(_notes(path, script.language, screen, cues, variant))
    return made, tuple(dict.fromkeys(note for some in notes for note in some))


def _notes(path: Path, language: str, screen: Screen, cues: Sequence[Cue], variant: str) -> list[str]:
    found = read_back(path)
    what = f"Subtitles ({variant})" if variant else "Subtitles"
    lost = [] if len(found) == len(cues) else [f"{what}: {path.name} holds {len(found)} of {len(cues)} cues."]
    return lost + [f"{what}: {rule}." for rule in unmet(found, language, screen.frames, screen.cuts_ms)]
