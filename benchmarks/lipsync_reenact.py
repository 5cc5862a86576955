"""Self-reenactment on frames the engine has not seen: ``python -m benchmarks.lipsync_reenact [CLIP ...]``.

The end of each clip's speech is held out (20 %, of clips under five seconds 30 %). Nobody may know anything of it, nor
of a second around it, but the frames' own skin, light and head pose, and what the row's line says. Everything is scored
against the true frames in two regions: ``face`` from the nose's base to below the chin (where the engine keeps
skin of the frame itself), and ``lips`` (the box of the outer lip line), where all the texture comes from elsewhere.

engine           what the engine draws, given the true mouth vector (four distances) of every frame
nearest          given the same: the known frame nearest in mouth vector and pose, pasted by a similarity
pipeline         what the engine draws from the phones aligned from the clip's own sound and text
nearest planned  given the same: the known frame nearest to the mouth planned from the phones, pasted likewise
frozen           given nothing: the last frame that may be known, pasted likewise
down 96          the truth through a 96-pixel crop of the face and back: the ceiling of Wav2Lip
down 256         the same through 256 pixels: the ceiling of MuseTalk (no loss where the face is smaller: the table
                 says so)

The copies choose afresh at every frame, so they may jump; the engine may not. The rows from phones need a transcript.
``--hold start`` holds out the start of the speech instead: settings are tried on that part, never on the reported one.
LMD is the mean distance of the lips and chin to the truth's, both tracked again, in percent of the face's width, pose
taken out. ``aperture`` is the mean error of the opening, same unit.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.clips import CLIPS, MEDIA
from lipsync_engine.draw.painter import Painter
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.geometry import ANCHORS, CHIN, NOSE_BASE, NOSE_FOOT, fit_poses, to_canonical
from lipsync_engine.faces.mesh import LIPS
from lipsync_engine.faces.mouth import series, speaker_stats
from lipsync_engine.faces.track import track_faces
from lipsync_engine.measure.likeness import psnr, slope, ssim
from lipsync_engine.measure.report_figures import same_person
from lipsync_engine.media import video
from lipsync_engine.media.audio import load_mono, loudness_db, silent_hops
from lipsync_engine.plan.edit import compose_score
from lipsync_engine.plan.person import Person, knowing, person
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import BoolArray, FloatArray, MouthPlan, MouthSeries
from lipsync_engine.resync import analyse
from lipsync_engine.speech.phones import phones_for

#: Seconds around the held-out part that the library must not know either.
GAP_S = 1.0

Plane = NDArray[np.uint8] | NDArray[np.uint16]
Figures = dict[str, float]


@dataclass(frozen=True)
class Trial:
    """One clip split into what may be known and what must be drawn.

    Attributes:
        picture: the clip.
        facts: its facts.
        who: its main person, with a library that holds nothing of the held-out part.
        frames: numbers of the held-out frames, consecutive.
        known: bool [T], frames of which the library may know.
    """

    picture: Path
    facts: video.VideoFacts
    who: Person
    frames: NDArray[np.int64]
    known: BoolArray


def split(picture: Path, track: FaceTrack, most: int, hold: str = "end") -> Trial:
    """Hold out the ``"start"`` or the ``"end"`` of the clip's speech, at most so many frames from the middle on."""
    who = person(track, track.identities[0])
    level = loudness_db(load_mono(picture, 16000), 16000)
    heard = np.flatnonzero(~silent_hops(level)) * 0.01
    first, last = (heard[0], heard[-1]) if len(heard) else (track.times_s[0], track.times_s[-1])
    share = 0.3 if track.times_s[-1] < 5.0 else 0.2
    length = share * (last - first)
    start, stop = (first, first + length) if hold == "start" else (last - length, last)
    held = (track.times_s >= start) & (track.times_s <= stop)
    inside = np.flatnonzero(held & np.isin(np.arange(len(held)), who.track.frame))
    inside = inside[-most:] if hold == "start" else inside[:most]
    known = (track.times_s < track.times_s[inside[0]] - GAP_S) | (track.times_s > track.times_s[inside[-1]] + GAP_S)
    known &= ~held
    return Trial(picture, video.probe(picture), knowing(who, known), inside, known)


def oracle(trial: Trial, track: FaceTrack) -> MouthPlan:
    """The plan that asks for the true mouth of every frame."""
    total = len(track.times_s)
    values = np.zeros((total, 4), np.float32)
    values[trial.who.track.frame] = trial.who.mouth
    never = np.zeros(total, bool)
    truth = MouthSeries(track.times_s, values, np.ones(total, bool))
    return MouthPlan(truth, closure=values[:, 0] < 0.012, labiodental=never, rest=never, speech=~never)


def aligned(trial: Trial, track: FaceTrack, text: str, language: str) -> MouthPlan:
    """The plan that the whole pipeline makes of the clip's own sound, the speaker learnt from the known part."""
    mouth = series(track, track.identities[0])
    stats = speaker_stats(MouthSeries(mouth.times_s, mouth.values, mouth.valid & trial.known))
    plan = plan_mouth(phones_for(trial.picture, text, language), track.times_s, stats)
    # at rest the engine may leave the frame as it is, which here would be the truth itself
    return replace(plan, rest=np.zeros_like(plan.rest))


def held_out(trial: Trial) -> Iterator[video.Frame]:
    wanted = {int(f) for f in trial.frames}
    for frame in video.read(trial.picture, trial.facts):
        if frame.index in wanted:
            yield frame
        if frame.index >= trial.frames[-1]:
            break


def engine(trial: Trial, plan: MouthPlan, out: Path) -> int:
    """Draw the held-out frames; how many were changed."""
    active = np.zeros(len(plan.series.times_s), bool)
    active[trial.frames] = True
    score = compose_score(trial.who, plan, active)
    changed = 0
    painter = Painter(trial.picture, trial.facts, [(trial.who, score)])
    with video.Writer(out, trial.facts, crf=0, preset="ultrafast") as writer:
        batch: list[video.Frame] = []
        for frame in held_out(trial):
            batch.append(frame)
            if len(batch) == 8:
                changed += _paint(painter, batch, writer)
                batch = []
        changed += _paint(painter, batch, writer)
    return changed


def _paint(painter: Painter, batch: list[video.Frame], writer: video.Writer) -> int:
    changed = sum(painter.paint(batch)) if batch else 0
    for frame in batch:
        writer.write(frame.planes, frame.pts)
    return changed


def pasted(trial: Trial, picks: dict[int, int], out: Path) -> None:
    """Paste the lower face of other frames by the similarity of the points that speech leaves still."""
    rows = {int(f): i for i, f in enumerate(trial.who.track.frame)}
    wanted = set(picks.values())
    stock = {}
    for frame in video.read(trial.picture, trial.facts):
        if frame.index in wanted:
            stock[frame.index] = frame.planes
        if frame.index >= max(wanted):
            break
    with video.Writer(out, trial.facts, crf=0, preset="ultrafast") as writer:
        for frame in held_out(trial):
            here = trial.who.track.landmarks[rows[frame.index]]
            there = trial.who.track.landmarks[rows[picks[frame.index]]]
            points = [*ANCHORS, *NOSE_FOOT]
            matrix, _ = cv2.estimateAffinePartial2D(there[points, :2], here[points, :2], method=cv2.LMEDS)
            mask = _skin_mask(here, frame.planes[0].shape)
            planes: list[Any] = []
            for index, (own, other) in enumerate(zip(frame.planes, stock[picks[frame.index]], strict=True)):
                half = 0.5 if index else 1.0
                scaled = matrix * np.array([1, 1, half])
                moved = cv2.warpAffine(
                    other, scaled, own.shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
                )
                weight = cv2.resize(mask, own.shape[::-1], interpolation=cv2.INTER_AREA)
                planes.append(np.rint(own + weight * (moved.astype(np.float32) - own)).astype(own.dtype))
            writer.write((planes[0], planes[1], planes[2]), frame.pts)


def _skin_mask(mesh: FloatArray, shape: tuple[int, ...]) -> NDArray[np.float32]:
    width = float(np.ptp(mesh[:, 0]))
    lower = np.concatenate([mesh[list(LIPS), :2], mesh[[CHIN, 2, 98, 327, 176, 400], :2]])
    mask = np.zeros(shape, np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(lower.astype(np.float32)).astype(np.int32), (1.0,))
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.02 * width), np.float32)


def nearest(trial: Trial, mouth: FloatArray) -> dict[int, int]:
    """For each held-out frame the known frame nearest in pose and to its mouth vector in ``mouth``, float32 [n, 4]."""
    rows = {int(f): i for i, f in enumerate(trial.who.track.frame)}
    library = trial.who.library
    angles = trial.who.poses.angles()
    out = {}
    for frame, wanted in zip(trial.frames, mouth, strict=True):
        row = rows[int(frame)]
        far = (((library.vectors - wanted) / library.spread) ** 2).sum(axis=1)
        far = far + (((library.pose - angles[row]) / 5.0) ** 2).sum(axis=1)
        out[int(frame)] = int(library.frame[int(far.argmin())])
    return out


def shrunk(trial: Trial, size: int, out: Path) -> float:
    """The truth through a square crop of the face of ``size`` pixels; the mean pixels of the crop's longer side."""
    rows = {int(f): i for i, f in enumerate(trial.who.track.frame)}
    sides = []
    with video.Writer(out, trial.facts, crf=0, preset="ultrafast") as writer:
        for frame in held_out(trial):
            mesh = trial.who.track.landmarks[rows[frame.index]][:, :2]
            planes = tuple(p.copy() for p in frame.planes)
            sides.append(float(np.ptp(mesh, axis=0).max()))
            for index, plane in enumerate(planes):
                step = 2 if index else 1
                left, top = np.maximum(np.floor(mesh.min(axis=0) / step).astype(int), 0)
                right, bottom = np.ceil(mesh.max(axis=0) / step).astype(int)
                view = plane[top:bottom, left:right]
                small = cv2.resize(
                    view, (size, size), interpolation=cv2.INTER_AREA if view.shape[1] > size else cv2.INTER_CUBIC
                )
                way = cv2.INTER_CUBIC if view.shape[1] > size else cv2.INTER_AREA
                view[:] = cv2.resize(small, view.shape[::-1], interpolation=way)
            writer.write((planes[0], planes[1], planes[2]), frame.pts)
    return float(np.mean(sides))


def compare(trial: Trial, result: Path) -> Figures:
    """Pixel figures of a result against the truth, mean over the held-out frames."""
    rows = {int(f): i for i, f in enumerate(trial.who.track.frame)}
    unit = 255.0 / (2**trial.facts.depth - 1)
    sums: dict[str, list[float]] = {}
    drawn = video.read(result, video.probe(result))
    for true, got in zip(held_out(trial), drawn, strict=False):
        mesh = trial.who.track.landmarks[rows[true.index]][:, :2]
        for name, box in (("face", _face_box(mesh)), ("lips", _lip_box(mesh))):
            a, b = (_cut(f.planes[0], box).astype(np.float32) * unit for f in (true, got))
            slope_a, slope_b = slope(a), slope(b)
            found = {
                "psnr": psnr(a, b),
                "ssim": ssim(a, b),
                "gpsnr": psnr(slope_a, slope_b),
                "sharp": float(cv2.Laplacian(b, cv2.CV_32F).var() / max(cv2.Laplacian(a, cv2.CV_32F).var(), 1e-6)),
                "l1": float(np.abs(a - b).mean()),
            }
            for key, value in found.items():
                sums.setdefault(f"{name}_{key}", []).append(value)
    return {key: float(np.median(v) if "sharp" in key else np.mean(v)) for key, v in sums.items()}


def _face_box(mesh: FloatArray) -> tuple[int, int, int, int]:
    width = float(np.ptp(mesh[:, 0]))
    points = mesh[[*LIPS, CHIN, NOSE_BASE]]
    low, high = points.min(axis=0) - np.array([0.06, 0]) * width, points.max(axis=0) + np.array([0.06, 0.04]) * width
    return int(low[0]), int(low[1]), int(high[0]) + 1, int(high[1]) + 1


def _lip_box(mesh: FloatArray) -> tuple[int, int, int, int]:
    grow = 0.015 * float(np.ptp(mesh[:, 0]))
    low, high = mesh[list(LIPS)].min(axis=0) - grow, mesh[list(LIPS)].max(axis=0) + grow
    return int(low[0]), int(low[1]), int(high[0]) + 1, int(high[1]) + 1


def _cut(plane: Plane, box: tuple[int, int, int, int]) -> Plane:
    left, top, right, bottom = box
    return plane[max(0, top) : bottom, max(0, left) : right]


def _before(frames: NDArray[np.int64], first: np.int64) -> int:
    """The last of the frames before ``first``; where there is none, the first one."""
    return int(frames[max(0, int(np.searchsorted(frames, first)) - 1)])


def landmarks(trial: Trial, truth: FaceTrack, result: Path) -> Figures:
    """Distance of lips and chin to the truth's, percent of the face's width, pose taken out."""
    seen = track_faces(result)
    own = trial.who.track.rows(np.searchsorted(trial.who.track.frame, trial.frames))
    own = replace(own, frame=(own.frame - trial.frames[0]).astype(np.int32))
    shapes = []
    for track in (truth, seen):
        who = same_person(track, own)
        if who is None:
            return {}
        rows = track.of(who)
        shapes.append((rows.frame, to_canonical(rows.landmarks[:], fit_poses(rows.landmarks))[..., :2]))
    common, left, right = np.intersect1d(shapes[0][0], shapes[1][0], return_indices=True)
    if not len(common):
        return {}
    a, b = shapes[0][1][left], shapes[1][1][right]
    points = [*LIPS, CHIN]
    opening = [np.linalg.norm(s[:, 13] - s[:, 14], axis=1) for s in (a, b)]
    foot = list(NOSE_FOOT)
    b = b + (a[:, foot] - b[:, foot]).mean(axis=1, keepdims=True)
    return {
        "lmd": 100 * float(np.linalg.norm(a[:, points] - b[:, points], axis=2).mean()),
        "aperture": 100 * float(np.abs(opening[0] - opening[1]).mean()),
    }


def judge_clip(
    picture: Path, track: FaceTrack, most: int, hold: str, text: tuple[str, str] | None, keep: Path | None
) -> dict[str, Figures]:
    """Every row of one clip."""
    trial = split(picture, track, most, hold)
    if not trial.who.library.moves:
        print(f"{picture.stem}: the known part holds too few mouths", flush=True)
        return {}
    print(
        f"\n{picture.stem}: frames {trial.frames[0]}-{trial.frames[-1]} held out, {len(trial.who.library.row)} known, "
        f"face {trial.who.poses.scale.mean() * trial.who.shape.width:.0f} px wide",
        flush=True,
    )
    out: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        paths = {name: folder / f"{picture.stem}.{name.replace(' ', '')}.mp4" for name in _ROWS}
        with video.Writer(paths["truth"], trial.facts, crf=0, preset="ultrafast") as writer:
            for frame in held_out(trial):
                writer.write(frame.planes, frame.pts)
        true = oracle(trial, track)
        engine(trial, true, paths["engine"])
        near = nearest(trial, true.series.values[trial.frames])
        pasted(trial, near, paths["nearest"])
        last = int(_before(trial.who.library.frame, trial.frames[0]))
        pasted(trial, dict.fromkeys(near, last), paths["frozen"])
        for size in (96, 256):
            side = shrunk(trial, size, paths[f"down {size}"])
            if side < size:
                print(f"  the face's crop is {side:.0f} px: {size} px is an enlargement, no ceiling", flush=True)
        if text is not None:
            plan = aligned(trial, track, *text)
            engine(trial, plan, paths["pipeline"])
            pasted(trial, nearest(trial, plan.series.values[trial.frames]), paths["nearest planned"])
        truth = track_faces(paths["truth"])
        for name, path in paths.items():
            if name != "truth" and path.exists():
                out[name] = compare(trial, path) | landmarks(trial, truth, path)
    show(out)
    return out


_ROWS = ("truth", "engine", "nearest", "pipeline", "nearest planned", "frozen", "down 96", "down 256")
_COLUMNS = ("psnr", "ssim", "gpsnr", "sharp")


def show(rows: dict[str, Figures]) -> None:
    """Print one table."""
    names = [f"{part}_{c}" for part in ("face", "lips") for c in _COLUMNS] + ["lmd", "aperture"]
    print("  " + " " * 16 + "".join(f"{n:>12}" for n in names))
    for method, row in rows.items():
        print(
            "  " + f"{method:16}" + "".join(f"{row[n]:12.3f}" if n in row else f"{'-':>12}" for n in names), flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", help="stems of clips of the test media; all without")
    parser.add_argument("--tracks", type=Path, help="folder of stored analyses, used and filled")
    parser.add_argument("--most", type=int, default=60, help="most held-out frames of a clip")
    parser.add_argument("--hold", choices=("start", "end"), default="end", help="which part of the speech")
    parser.add_argument("--keep", type=Path, help="folder for the pictures of every row")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    texts = json.loads((MEDIA / "transcripts.json").read_text("utf-8"))
    found: dict[str, dict[str, Figures]] = {}
    for name in CLIPS:
        picture = MEDIA / name
        if not picture.exists() or (options.clips and picture.stem not in options.clips):
            continue
        track = _analysis(picture, options.tracks)
        row = texts.get(name)
        text = (row["text"], row["lang"]) if row else None
        found[picture.stem] = judge_clip(picture, track, options.most, options.hold, text, options.keep)
    if len(found) > 1:
        print(f"\nmean of {len(found)} clips")
        show(_mean(list(found.values())))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def _analysis(picture: Path, folder: Path | None) -> FaceTrack:
    with tempfile.TemporaryDirectory() as temporary:
        stored = (folder or Path(temporary)) / f"{picture.stem}.npz"
        try:
            return FaceTrack.load(stored) if stored.exists() else analyse(picture, stored)
        except ValueError:  # written by another version of the engine
            return analyse(picture, stored)


def _mean(tables: list[dict[str, Figures]]) -> dict[str, Figures]:
    out: dict[str, Figures] = {}
    for method in _ROWS[1:]:
        rows = [t[method] for t in tables if method in t]
        keys = {k for r in rows for k in r}
        if rows:
            out[method] = {k: float(np.mean([r[k] for r in rows if k in r])) for k in sorted(keys)}
    return out


if __name__ == "__main__":
    main()
