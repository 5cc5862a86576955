"""What a title needs once, whatever it is dubbed into: whose face is where, and which mouths it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lipsync_engine.faces.drawing import Sketches, stored_sketches
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.observations import Collector, stored_mouths
from lipsync_engine.faces.speakers import SpeechSpan, speech_table
from lipsync_engine.faces.track import Progress, track_faces
from lipsync_engine.media import video
from lipsync_engine.media.blas import on_one_core
from lipsync_engine.records import FloatArray
from lipsync_engine.speech.title_speech import ScriptLine, phone_member, script_phones


@on_one_core
def analyse(
    picture: Path,
    out_npz: Path,
    *,
    speech_spans: Iterable[SpeechSpan] | None = None,
    script: Iterable[ScriptLine] = (),
    language: str = "",
    until_s: float | None = None,
    device: str = "cpu",
    stabilise: bool = True,
    progress: Progress | None = None,
) -> FaceTrack:
    """Track every face of a title once; every language reuses the file.

    Args:
        picture: the title.
        out_npz: where the track is written.
        speech_spans: source speech as (start ms, end ms, speaker), where known.
        script: source lines as (start ms, end ms, text), where known: the speaker's own ways are learnt from them.
        language: BCP-47 tag of the script.
        until_s: where a preview ends: the first frame there is the last one; ``None`` for the whole title.
        device: where the face networks run: ``"cpu"``, ``"cuda"``, or ``"auto"`` (a GPU where there is one).
        stabilise: take the mesh's jitter out by the skin's texture, not by smoothing alone.
        progress: called with (share done, message).

    Raises:
        MediaError: the picture cannot be decoded.
        ValueError: a speech span ends before it starts.
    """
    spans = speech_table(speech_spans or ())
    facts = video.probe(picture)
    sketches = Sketches(facts)
    with Collector(facts) as mouths:

        def watch(frame: video.Frame, meshes: list[FloatArray]) -> None:
            mouths.see(frame, meshes)
            sketches.see(frame, meshes)

        track = track_faces(picture, progress, watch=watch, device=device, until_s=until_s, stabilise=stabilise)
        track = replace(track, speech=spans)
        own = script_phones(picture, script, language) if language else None
        return track.save(out_npz, mouths.members(track) | phone_member(own) | sketches.member(track))


def with_speech(
    analysis: Path,
    picture: Path,
    out_npz: Path,
    *,
    speech_spans: Iterable[SpeechSpan],
    script: Iterable[ScriptLine] = (),
    language: str = "",
) -> FaceTrack:
    """The analysis of a title that was tracked before it was known what is said: as if it had been.

    Args:
        analysis: by `analyse`, without speech.
        picture: the title.
        out_npz: where the whole is written.
        speech_spans: source speech as (start ms, end ms, speaker).
        script: source lines as (start ms, end ms, text).
        language: BCP-47 tag of the script.

    Raises:
        ValueError: a speech span ends before it starts, or the analysis is of another format.
    """
    track = replace(FaceTrack.load(analysis), speech=speech_table(speech_spans))
    own = script_phones(picture, script, language) if language else None
    return track.save(out_npz, stored_mouths(analysis) | phone_member(own) | stored_sketches(analysis))
