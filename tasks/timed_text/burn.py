"""A copy of a master with its subtitles in the picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from configs.languages import autonym, iso639_2
from configs.subtitle_files import BurnStyle
from tasks import media
from tasks.keep.staging import staged
from tasks.media import door
from tasks.media.encoding import encoded, opened
from tasks.package.language_tags import TrackName, tag_mp4
from tasks.records.facts import MediaFacts
from tasks.records.progress import Progress, silent
from tasks.timed_text.ass import ass_of
from tasks.timed_text.files import Screen
from tasks.words.cues import Cue
from tasks.words.fonts import family_for, undrawable


def burn_in(
    master: Path,
    facts: MediaFacts,
    cues: Sequence[Cue],
    language: str,
    style: BurnStyle,
    out_mp4: Path,
    progress: Progress = silent,
) -> tuple[str, ...]:
    """Write the copy: the picture encoded once more with its words drawn, everything else as it is.

    Args:
        master: a language's MP4.
        facts: of it, as probed.
        cues: to draw, in order of time.
        language: BCP-47 tag of their text.
        style: how they look.
        out_mp4: written whole or not at all; not written where a letter has no font.
        progress: called with the share that is done.

    Returns:
        Notes for the user: what could not be drawn, and how the picture was encoded.
    """
    assert facts.picture is not None
    text = "".join(row for cue in cues for row in cue.rows)
    if lacking := undrawable(text):
        shown = " ".join(lacking[:20]) + (" ..." if len(lacking) > 20 else "")
        return (f"No copy with burned-in subtitles was made: no installed font has {shown}. {_advice(language)}",)
    size = Screen.of(facts.picture, facts.duration_ms).size
    script = out_mp4.with_suffix(".ass")
    font, hdr = family_for(language, text), facts.picture.colour.hdr
    script.write_text(ass_of(cues, language, size, font, style, hdr=hdr), "utf-8")
    opening = opened(facts.picture)
    stream = media.on_clock(master, **opening)[str(facts.picture.index)]
    stream = stream.filter("ass", filename=str(script), original_size=f"{size[0]}x{size[1]}", shaping="complex")
    stream, how, made = encoded(stream, facts.picture)
    track = TrackName(f"{autonym(language)} (dub)", language)
    named = {"language": iso639_2(language, bibliographic=False), "handler_name": track.padded_for_mp4()}
    options: dict[str, Any] = {
        "f": "mp4",
        "movflags": "+faststart+use_metadata_tags" if _has_own_tags(master) else "+faststart",
        "acodec": "copy",
        **how,
        **media.tags(":s:a:0", **named),
    }
    options |= {"map_metadata:g": "0:g", "map_chapters": 0, "vsync": "passthrough", "enc_time_base": -1}
    with staged(out_mp4) as part:
        graph = media.sink([stream, media.on_clock(master)["a:0"]], part, **options)
        media.run_ffmpeg(graph, duration_ms=facts.duration_ms, progress=progress)
        tag_mp4(part, [track])
    script.unlink()
    return (f"The copy with burned-in subtitles ({font[0]}) has its picture encoded once more, to {made}.",)


def _has_own_tags(master: Path) -> bool:
    """Whether it has a tag that MP4 keeps only under its own name, as China's ``AIGC``."""
    shown = door.answer(master, "-show_entries", "format_tags=AIGC", "-of", "json")
    return "tags" in json.loads(shown)["format"]


def _advice(language: str) -> str:
    from configs.subtitle_fonts import fonts_of

    wanted = fonts_of(language)
    return f"Install {wanted.package if wanted else 'a font that has it'}, and run again."
