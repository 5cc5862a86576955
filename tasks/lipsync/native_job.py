"""The child process of `tasks.lipsync.engine.engine_job`: a JSON job on stdin, JSON lines on stdout."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any


def main() -> None:
    """Run the job described on stdin."""
    job = json.load(sys.stdin)
    answer = JOBS[job["job"]](job)
    print(json.dumps({"answer": answer}), flush=True)


def _track(job: dict[str, Any]) -> dict[str, Any]:
    from lipsync_engine.resync import analyse

    video, out = Path(job["video"]), Path(job["out"])
    track = analyse(video, out, device=job["device"], stabilise=job["stabilise"], progress=_tell)
    return {"frames": len(track.times_s), "faces": len(track.identities)}


def _analyse(job: dict[str, Any]) -> dict[str, Any]:
    from lipsync_engine.resync import with_speech

    track = with_speech(
        Path(job["faces"]),
        Path(job["video"]),
        Path(job["out"]),
        speech_spans=[tuple(span) for span in job["spans"]],
        script=[tuple(line) for line in job["lines"]],
        language=job["language"],
    )
    return {"lines": len(track.speech)}


def _resync(job: dict[str, Any]) -> dict[str, Any]:
    from lipsync_engine.records import settled_of
    from lipsync_engine.resync import Options, resync
    from lipsync_engine.speech.phones import read_phones
    from tasks.lipsync.stretches import Shelved

    phones = read_phones(Path(job["phones"]))
    options = Options(**job["options"])
    video, analysis, out = Path(job["video"]), _own_name(job), Path(job["out"])
    shelf = Shelved(**job["shelf"]) if job.get("shelf") else None
    settled = {int(identity): settled_of(one) for identity, one in job.get("settled", {}).items()}
    return asdict(
        resync(video, Path(job["dialogue"]), phones, analysis, out, options, _tell, shelf=shelf, settled=settled)
    )


def _own_name(job: dict[str, Any]) -> Path:
    """The analysis linked next to the result, so that the engine's files beside it do not go into the store."""
    name = Path(job["out"]).with_suffix(".analysis.npz")
    name.unlink(missing_ok=True)
    name.symlink_to(Path(job["analysis"]).absolute())
    return name


def _shots(job: dict[str, Any]) -> dict[str, Any]:
    from lipsync_engine.exchange.shots import speaking_shots
    from lipsync_engine.faces.facetrack import FaceTrack
    from lipsync_engine.speech.phones import read_phones

    shots = speaking_shots(FaceTrack.load(Path(job["analysis"])), read_phones(Path(job["phones"])))
    return {"shots": [asdict(shot) for shot in shots]}


def _cut(job: dict[str, Any]) -> dict[str, Any]:
    """Clips and stills of the shots for other systems, and why some could not be made."""
    from lipsync_engine.exchange.clips import write_clips, write_still
    from lipsync_engine.exchange.shots import Bounds, Shot, pieces_of
    from lipsync_engine.faces.facetrack import FaceTrack

    track, picture, folder = FaceTrack.load(Path(job["analysis"])), Path(job["video"]), Path(job["folder"])
    cut = []
    for way in job["ways"]:
        rate = way["bounds"].pop("rate")
        bounds = Bounds(rate=Fraction(rate) if rate else None, **way["bounds"])
        shots = {number: Shot(**shot) for number, shot in way["shots"]}
        pieces = [piece for number, shot in shots.items() for piece in pieces_of(number, shot, track.times_s, bounds)]
        names = [folder / f"{way['takes']}-{piece.shot}-{piece.first}" for piece in pieces]
        if way["takes"] == "video":
            files = [name.with_suffix(".mp4") for name in names]
            problems = write_clips(picture, track, pieces, files, bounds, whole=way["whole"]) if pieces else []
        else:
            stills = {number: folder / f"still-{number}.png" for number in shots}
            made = {n: write_still(picture, track, shots[n], stills[n], bounds, whole=way["whole"]) for n in shots}
            files, problems = [stills[p.shot] for p in pieces], [made[p.shot] for p in pieces]
        cut += [
            {"piece": asdict(piece), "file": str(file), "problem": problem}
            for piece, file, problem in zip(pieces, files, problems, strict=True)
        ]
    return {"pieces": cut}


def _transplant(job: dict[str, Any]) -> dict[str, Any]:
    """Check the results of other systems, and render them together with the engine's own shots."""
    from lipsync_engine.exchange.graft import Foreign
    from lipsync_engine.exchange.judge import Seen, Take, look_at
    from lipsync_engine.exchange.shots import Piece
    from lipsync_engine.faces.facetrack import FaceTrack
    from lipsync_engine.resync import Options, resync
    from lipsync_engine.speech.phones import read_phones

    analysis, phones = _own_name(job), read_phones(Path(job["phones"]))
    track, judged = FaceTrack.load(analysis), []
    seen: dict[bool, list[Seen]] = {False: [], True: []}
    reasons: dict[int, list[tuple[int, int, str]]] = {}
    for identity, first, stop, why in job["reasons"]:
        reasons.setdefault(identity, []).append((first, stop, why))
    for one in job["takes"]:
        piece = Piece(**one["piece"])
        found = look_at(track, Take(piece, Path(one["sent"]), Path(one["clip"])), phones, Path(job["folder"]))
        if isinstance(found, Seen):
            seen[one["whole"]].append(found)
            figures = {name: getattr(found, name) for name in ("offset_frames", "agreement", "unsynced", "sharpness")}
            judged.append({"reason": "", "what": ""} | figures)
        else:
            reasons.setdefault(piece.identity, []).append((piece.first, piece.stop, found.reason))
            judged.append(asdict(found))
    native: dict[int, list[tuple[int, int]]] = {}
    for identity, first, stop in job["native"]:
        native.setdefault(identity, []).append((first, stop))
    foreign = Foreign(seen[False], seen[True], native, reasons)
    video, dialogue, out = Path(job["video"]), Path(job["dialogue"]), Path(job["out"])
    report = resync(video, dialogue, phones, analysis, out, Options(**job["options"]), _tell, foreign=foreign)
    return {"report": asdict(report), "judged": judged}


def _wav2lip(job: dict[str, Any]) -> dict[str, Any]:
    from tasks.lipsync.local.wav2lip_job import draw

    picture, speech, checkpoint, out = (Path(job[name]) for name in ("picture", "speech", "checkpoint", "out"))
    return {"frames": draw(picture, speech, checkpoint, out, job["batch"], _tell)}


def _tell(share: float, _message: str = "") -> None:
    print(json.dumps({"progress": share}), flush=True)


JOBS = {
    "track": _track,
    "analyse": _analyse,
    "resync": _resync,
    "shots": _shots,
    "cut": _cut,
    "transplant": _transplant,
    "wav2lip": _wav2lip,
}

if __name__ == "__main__":
    main()
