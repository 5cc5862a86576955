"""What the user gave, checked before anything is written: the video, its M&E, recorded dubs. No Prefect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from configs.delivery import ALWAYS, BROADCAST_RATES, Preset, delivery_presets
from configs.sound import IngestSettings
from tasks.keep.assets import path_of
from tasks.keep.zips import is_zip
from tasks.probe import probing
from tasks.records.errors import BadInputError
from tasks.records.facts import MediaFacts, PictureFacts
from tasks.records.record import Asset
from tasks.records.script import Script
from tasks.records.title import Run
from tasks.separate.bed_glance import refuse_coarse
from tasks.step.run import remember

#: Of a bed or a recorded dub beyond twice the title.
_MOST_MORE_MS = 600_000


def probed(run: Run, asset: Asset, language: str | None = None) -> MediaFacts:
    """What a file holds.

    Args:
        run: of the title.
        asset: the file.
        language: BCP-47 tag of the track that is dubbed; None: as the file says.

    Raises:
        BadInputError: it is no media.
    """
    return remember(run, "probe", probing(run, asset, language)).value


def check_media(run: Run, facts: MediaFacts, script: Script | None) -> None:
    """Refuse what cannot be dubbed, with everything that is wrong beside the video.

    Args:
        run: the title.
        facts: of its video.
        script: its words, where they were given.

    Raises:
        BadInputError: with the column of the manifest in its data.
    """
    title = run.title
    if facts.still:
        raise BadInputError(
            f"{title.source} is a still image.", "Animate it first: python -m lipsync_engine animate --image ..."
        )
    if not facts.audio and not (title.subtitles or title.dubs):
        raise BadInputError(
            f"{title.source} has no audio track: there is no speech to dub.",
            "Give the words with --subtitles, or a recorded dub with --dub.",
        )
    wrong = [error for error in (*_beside_errors(run, facts, script), *impossible(run, facts)) if error]
    refuse_all(wrong)


def impossible(run: Run, facts: MediaFacts) -> Iterator[BadInputError]:
    """Delivery presets that cannot be made of a title.

    Args:
        run: the title.
        facts: of its video.
    """
    for name in run.profile.deliver:
        if why := _no_preset(delivery_presets()[name], facts.picture):
            without = ",".join(one for one in run.profile.deliver if one not in (name, ALWAYS)) or ALWAYS
            yield BadInputError(
                f"{run.title.source} cannot be delivered as {name}: {why}.",
                f"Leave {name} out (--deliver {without}).",
                column="deliver",
            )


def _no_preset(preset: Preset, picture: PictureFacts | None) -> str:
    if preset.kind not in ("streaming", "broadcast", "platform"):
        return ""
    if picture is None:
        return "it has no picture"
    rate = picture.nominal_rate if picture.variable_rate else picture.frame_rate
    if preset.kind == "broadcast" and preset.container == "mxf" and str(rate) not in BROADCAST_RATES:
        return f"MXF knows no {float(rate):.5g} frames/s (it knows {', '.join(BROADCAST_RATES)})"
    return ""


def _beside_errors(run: Run, facts: MediaFacts, script: Script | None) -> Iterator[BadInputError | None]:
    """What is wrong with the bed and the recorded dubs."""
    title, settings = run.title, run.profile.ingest
    if title.bed is not None:
        yield _error_of("bed", _check_recording, run, title.bed, f"bed {title.bed.uri}", facts)
        given, waived = probed(run, title.bed), run.profile.waivers
        if given.audio:
            paths = path_of(title.bed), path_of(title.video)
            yield _error_of("bed", refuse_coarse, paths[0], given, paths[1], facts, settings, waived)
    for tag, dub in title.dubs.items():
        if is_zip(path_of(dub)):
            continue
        yield _error_of(f"dub_{tag}", _check_recording, run, dub, f"dub {tag} {dub.uri}", facts)
        if script is not None:
            yield _error_of(f"dub_{tag}", _refuse_stub, f"dub {tag} {dub.uri}", probed(run, dub), script, settings)


def _error_of(column: str, check: Callable[..., None], *given: Any) -> BadInputError | None:
    try:
        check(*given)
    except BadInputError as error:
        error.data["column"] = column
        return error
    return None


def _check_recording(run: Run, recording: Asset, what: str, title: MediaFacts) -> None:
    given = probed(run, recording)
    if not given.audio:
        raise BadInputError(f"The {what} has no audio track.", "Give a sound file such as WAV or FLAC.")
    _refuse_endless(what, given, title)


def _refuse_stub(what: str, given: MediaFacts, script: Script, settings: IngestSettings) -> None:
    """A recording that is shorter than the lines from the first to the last, at any speed, lacks some of them."""
    if not script.lines or settings.clock != "auto":
        return
    spoken_ms = script.lines[-1].start_ms - script.lines[0].start_ms
    if given.duration_ms * (1 + settings.speed) < spoken_ms:
        raise BadInputError(
            f"The {what} lasts {given.duration_ms / 1000:.2f} s, but from the first line of the script to the last are "
            f"{spoken_ms / 1000:.2f} s.",
            "Give a recording of the whole title.",
        )


def _refuse_endless(what: str, given: MediaFacts, title: MediaFacts) -> None:
    """A recording beside a title may have leaders and tails, not hours more than it."""
    longest_ms = 2 * title.duration_ms + _MOST_MORE_MS
    if given.duration_ms > longest_ms:
        raise BadInputError(
            f"The {what} lasts {given.duration_ms / 1000:.0f} s, the title {title.duration_ms / 1000:.0f} s.",
            f"At most {longest_ms / 1000:.0f} s are accepted for this title: trim it.",
        )


def refuse_all(wrong: Sequence[BadInputError]) -> None:
    """Raise one error for all, if there are any, with the column of the manifest that they are about."""
    if len(wrong) < 2:
        for error in wrong:
            raise error
        return
    columns = {error.data.get("column", "") for error in wrong}
    raise BadInputError(
        " ".join(error.what for error in wrong),
        " ".join(dict.fromkeys(error.fix for error in wrong if error.fix)),
        column=columns.pop() if len(columns) == 1 else "",
    )
