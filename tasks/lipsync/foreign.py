"""A foreign system as a lip-sync backend: our tracker, cutter, masks, gates and measurements around any `Reanimator`.

Each shot is cut to what the system takes, sent, judged by what came back (whose face, how long, how sharp, how far off
in time, better than nothing?), and its mouth put onto the moving source face. A shot that fails passes through.
"""

from __future__ import annotations

import contextvars
import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import soundfile
from pydantic import Field

from configs.lipsync_style import LipsyncStyle
from tasks.lipsync import Resynced
from tasks.lipsync.engine import engine_job
from tasks.lipsync.native import NativeLipSyncer, passed_through
from tasks.lipsync.reanimate import Limits, Takes
from tasks.lipsync.restore import Restore, restore
from tasks.lipsync.restore import facts as restore_facts
from tasks.lipsync.restore import missing as restore_missing
from tasks.lipsync.route import Route, automatic, fixed, within_budget
from tasks.lipsync.systems import System, system
from tasks.lipsync.tracker import FaceTracker
from tasks.machine.ending import delaying_signals, notifying_threads, raise_if_ending
from tasks.records import registry
from tasks.records.errors import BadInputError, MissingBackendError, PermanentError, is_transient
from tasks.records.progress import Progress, silent

#: Raised whenever what surrounds a system changes what comes out.
_VERSION = 1
#: Seconds of a piece where the system's looks drift.
_DRIFT_S = 10.0
#: Bytes of a second of the speech that is sent (48 kHz, 16 bit, mono), and of its header.
_SPEECH_BYTES, _HEADER = 96_000, 4096


class Surroundings(LipsyncStyle, registry.Options):
    """What is done around a system.

    Attributes:
        crop: what a system is shown: a steady square around the face, or the whole picture.
        portrait: what becomes of a clip made from a still: only its mouth is put onto the moving face, the whole
            picture is replaced for the shot, or the system is not used.
        budget_usd: shots that would cost more than this together pass through; None: no limit.
        at_once: clips that are with a hosted system at the same time.
        restore: sharpen faces in what comes back; None: as they come.
        crf: x264 quality of the edited picture, lower is better.
        preset: x264 speed.
        device: of our own engine.
        deadline_s: for each of the engine's jobs.
    """

    crop: Literal["face", "frame"] = "face"
    portrait: Literal["mouth", "frame", "refuse"] = "mouth"
    budget_usd: float | None = Field(None, ge=0)
    at_once: int = Field(4, ge=1, le=32)
    restore: Restore | None = None
    crf: int = Field(17, ge=0, le=40)
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    deadline_s: float = Field(6 * 3600.0, gt=0)


class SystemOptions(Surroundings):
    """Surroundings, and the system's own options under ``system``."""

    system: dict[str, Any] = Field({})


class AutoOptions(Surroundings):
    """Surroundings, and the systems that shots may go to.

    Attributes:
        video: the system for shots that the engine's gates decline; empty: none.
        still: the system for faces that never move; empty: none.
        systems: own options of these, by name.
    """

    video: str = ""
    still: str = ""
    systems: dict[str, dict[str, Any]] = Field({})


class ForeignLipSyncer:
    """The engine's analysis, and other systems' mouths.

    Attributes:
        facts: of everything that may draw, together: commercial only where all are.
    """

    def __init__(self, name: str, options: Surroundings, systems: Mapping[Takes, System], *, auto: bool) -> None:
        """Asks nobody.

        Args:
            name: of the backend.
            options: what is done around the systems.
            systems: by what they take.
            auto: each shot to whom the gates say, the engine included; else all to the one system.
        """
        self.options, self._offers, self._auto = options, systems, auto
        self._systems = {one.name: one for one in systems.values()}
        parts = [one.facts for one in systems.values()]
        parts += [restore_facts(options.restore)] if options.restore else []
        self.facts = _together(name, parts)
        shared = options.model_dump(include={"crf", "preset", "device", "deadline_s", *LipsyncStyle.model_fields})
        self._native = NativeLipSyncer(NativeLipSyncer.Options(**shared))

    def fingerprint(self) -> str:
        """The engine's, every system's, and what is done around them; not the budget nor how fast it is done."""
        around = self.options.model_dump(
            mode="json",
            include={"crop", "portrait", "budget_usd", "restore"},
        )
        systems = [one.reanimator.fingerprint() for one in self._systems.values()]
        return json.dumps([_VERSION, self._auto, systems, around, self._native.fingerprint()], sort_keys=True)

    def missing(self) -> list[str]:
        """What the engine, the systems and the restoration lack."""
        lacks = [line for one in self._systems.values() for line in one.reanimator.missing()]
        restoring = restore_missing(self.options.restore) if self.options.restore else []
        return [*self._native.missing(), *lacks, *restoring]

    def cost_usd(self, seconds: float) -> float:
        """The most that so many seconds of a title may cost: all of it by the dearest system, within the budget."""
        dearest = max((one.reanimator.cost_usd(seconds) for one in self._systems.values()), default=0.0)
        budget = self.options.budget_usd
        return dearest if budget is None else min(dearest, budget)

    @property
    def tracker(self) -> FaceTracker:
        """Ours."""
        return self._native.tracker

    def resync(
        self, video: Path, analysis: Path, dialogue: Path, phones: Path, language: str, out: Path, progress: Progress
    ) -> Resynced:
        """Render one language; what was done with each shot is in the report's ``routes``.

        Raises:
            TransientError: a system may answer later; what it has made is found again then.
            MissingBackendError: a key or a weight file is missing.
        """
        files = {"video": str(video), "analysis": str(analysis), "phones": str(phones), "dialogue": str(dialogue)}
        shots = self._engine({"job": "shots", **files})["shots"]
        routes, estimate = self._routes(shots)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix="foreign") as folder:
            cut = self._cut(files, shots, routes, Path(folder))
            takes, receipts = self._made(cut, routes, dialogue, Path(folder), progress)
            job = {
                "job": "transplant",
                "out": str(out),
                "folder": folder,
                "options": self._native.drawing(),
                "takes": [take for take in takes if not take["problem"]],
                "native": [_span(shot) for shot, route in zip(shots, routes, strict=True) if route.way == "native"],
                "reasons": [
                    *([*_span(s), "routed_past"] for s, r in zip(shots, routes, strict=True) if r.way == "none"),
                    *([*_span(take["piece"]), "not_made"] for take in takes if take["problem"]),
                ],
            }
            made = self._engine(files | job, progress)
        report = made["report"]
        judged = iter(made["judged"])
        for take in takes:
            take["judged"] = {"reason": "not_made", "what": take["problem"]} if take["problem"] else next(judged)
        report["routes"] = [_told(n, s, r, takes) for n, (s, r) in enumerate(zip(shots, routes, strict=True))]
        report["estimated_usd"] = estimate
        report["jobs"] = receipts
        report["billed_usd"] = round(sum(receipt["usd"] for receipt in receipts), 6)
        notes = (*_declined(report["routes"]), *passed_through(report))
        return Resynced(out if report["edited"] else None, report, notes)

    def _routes(self, shots: Sequence[dict[str, Any]]) -> tuple[list[Route], float]:
        routes = automatic(shots, self._offers) if self._auto else fixed(shots, next(iter(self._systems.values())))
        if self.options.portrait == "refuse":
            refused = Route("none", "", "pictures made from stills are refused by the profile (portrait: refuse)")
            routes = [refused if route.way == "portrait" else route for route in routes]
        for shot, route in zip(shots, routes, strict=True):
            shot["asked_s"] = shot["end_s"] - shot["start_s"]
            if route.system in self._systems:
                shot["asked_s"] = _asked_s(shot["asked_s"], self._bounds(route.system))
        return within_budget(shots, routes, self._systems, self.options.budget_usd)

    def _bounds(self, name: str) -> dict[str, Any]:
        """A system's limits as the engine's cutter takes them."""
        limits = self._systems[name].reanimator.limits
        rate = str(limits.frame_rate) if limits.frame_rate else None
        return {
            "shortest_s": limits.shortest_s,
            "longest_s": _longest_s(limits),
            "shortest_side": limits.shortest_side,
            "longest_side": limits.longest_side,
            "picture_bytes": limits.picture_bytes,
            "rate": rate,
        }

    def _cut(
        self, files: dict[str, str], shots: Sequence[dict[str, Any]], routes: Sequence[Route], folder: Path
    ) -> list[dict[str, Any]]:
        ways = []
        for takes, one in self._offers.items():
            own = [
                (number, {key: value for key, value in shot.items() if key != "asked_s"})
                for number, (shot, route) in enumerate(zip(shots, routes, strict=True))
                if route.system == one.name
            ]
            if own:
                whole = self.options.crop == "frame" or self._replaces(takes)
                ways.append({"takes": takes, "bounds": self._bounds(one.name), "shots": own, "whole": whole})
        if not ways:
            return []
        job = {"job": "cut", "ways": ways, "folder": str(folder)}
        pieces: list[dict[str, Any]] = self._engine(files | job)["pieces"]
        return pieces

    def _made(
        self,
        cut: Sequence[dict[str, Any]],
        routes: Sequence[Route],
        dialogue: Path,
        folder: Path,
        progress: Progress,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Have every piece made; refusals of the system are kept as its problem, what may pass is raised at the end."""
        takes: list[dict[str, Any]] = []
        own = contextvars.copy_context  # what a job costs is counted for the step that waits for it
        workers = self.options.at_once if any(one.facts.network for one in self._systems.values()) else 1
        with notifying_threads(), ThreadPoolExecutor(workers) as pool:
            waiting: list[Future[str]] = []
            for number, one in enumerate(cut):
                clip = folder / f"made-{number}.mp4"
                takes.append({"piece": one["piece"], "sent": one["file"], "clip": str(clip)})
                chosen = self._systems[routes[one["piece"]["shot"]].system]
                takes[-1]["whole"] = self._replaces(chosen.reanimator.takes)
                waiting.append(pool.submit(own().run, self._one, chosen, one, dialogue, clip))
            errors = []
            for number, future in enumerate(waiting):
                try:
                    takes[number]["problem"] = future.result()
                except Exception as error:
                    errors.append(error)
                progress(0.5 * (number + 1) / len(waiting))
        if errors:
            raise next((error for error in errors if not is_transient(error)), errors[0])
        paths = (Path(take["clip"]).with_suffix(".receipt.json") for take in takes)
        receipts = [json.loads(path.read_text("utf-8")) for path in paths if path.exists()]
        return takes, list({(one["provider"], one["job"]): one for one in receipts}.values())

    def _one(self, chosen: System, cut: Mapping[str, Any], dialogue: Path, clip: Path) -> str:
        """Have one piece made; why it could not be, or nothing."""
        if cut["problem"]:
            return str(cut["problem"])
        speech = clip.with_suffix(".wav")
        _write_speech(dialogue, cut["piece"]["start_s"], cut["piece"]["length_s"], speech)
        try:
            if self.options.restore is None:
                _reanimate(chosen, Path(cut["file"]), speech, clip)
            else:
                plain = clip.with_name(f"plain-{clip.name}")
                _reanimate(chosen, Path(cut["file"]), speech, plain)
                if (receipt := plain.with_suffix(".receipt.json")).exists():
                    receipt.replace(clip.with_suffix(".receipt.json"))
                restore(plain, clip, self.options.restore)
        except (MissingBackendError, BadInputError):
            raise
        except PermanentError as error:
            return f"{chosen.name}: {error.what}"
        return "" if clip.exists() else f"{chosen.name} left no file"

    def _replaces(self, takes: Takes) -> bool:
        """Whether a system's whole picture replaces the title's."""
        return takes == "portrait" and self.options.portrait == "frame"

    def _engine(self, job: dict[str, Any], progress: Progress = silent) -> dict[str, Any]:
        def half(share: float) -> None:
            progress(0.5 + 0.5 * share)

        return engine_job(job, half, device=self.options.device, deadline_s=self.options.deadline_s)


def _reanimate(chosen: System, picture: Path, speech: Path, out: Path) -> None:
    """Have a system do it; its job is cancelled, where that can be, when the process ends meanwhile."""
    with delaying_signals():
        chosen.reanimator.reanimate(picture, speech, out, lambda _share: raise_if_ending())


def foreign(name: str, options: Mapping[str, Any]) -> ForeignLipSyncer:
    """The backend of a system's name, or ``auto``.

    Raises:
        BadInputError: no such system or option, or a system that takes something else.
    """
    if name != "auto":
        parsed = registry.checked("lipsync", name, SystemOptions, options)
        chosen = system(name, parsed.system)
        return ForeignLipSyncer(name, parsed, {chosen.reanimator.takes: chosen}, auto=False)
    wanted = registry.checked("lipsync", name, AutoOptions, options)
    systems: dict[Takes, System] = {}
    asked: tuple[tuple[Takes, str], ...] = (("video", wanted.video), ("portrait", wanted.still))
    for takes, each in asked:
        if each:
            systems[takes] = system(each, wanted.systems.get(each, {}))
            if systems[takes].reanimator.takes != takes:
                raise BadInputError(
                    f"Profile: lipsync.options: {each} takes a {systems[takes].reanimator.takes}, not a {takes}.",
                    "Choose another; `polydub lipsync list` shows what each takes.",
                )
    return ForeignLipSyncer(name, wanted, systems, auto=True)


def _together(name: str, parts: Sequence[registry.BackendFacts]) -> registry.BackendFacts:
    closed = [part for part in parts if not part.commercial]
    return registry.BackendFacts(
        name=name,
        code_licence=", ".join(dict.fromkeys(part.code_licence for part in parts)) or "Apache-2.0",
        weights_licence=", ".join(dict.fromkeys(part.weights_licence for part in parts)) or "none",
        commercial=not closed,
        device="any",
        network=any(part.network for part in parts),
        paid=any(part.paid for part in parts),
        uploads_faces=any(part.uploads_faces for part in parts),
        clause="; ".join(f"{part.name}: {part.clause or part.weights_licence}" for part in closed),
    )


def _longest_s(limits: Limits) -> float | None:
    """Seconds of the longest piece: by length, by the speech's bytes, and by how long looks hold."""
    by_bytes = (limits.speech_bytes - _HEADER) / _SPEECH_BYTES if limits.speech_bytes else None
    every = [value for value in (limits.longest_s, by_bytes, _DRIFT_S if limits.drifts else None) if value is not None]
    return min(every, default=None)


def _asked_s(seconds: float, bounds: Mapping[str, Any]) -> float:
    """Seconds that are sent for a shot, overlaps and the shortest clip included."""
    longest, shortest = bounds["longest_s"] or math.inf, bounds["shortest_s"] or 0.0
    overlap = min(1.0, longest / 3)
    count = 1 if seconds <= longest else math.ceil((seconds - overlap) / (longest - overlap))
    return max(seconds + (count - 1) * overlap, count * shortest)


def _write_speech(dialogue: Path, start_s: float, length_s: float, out: Path) -> None:
    """The dub from a moment on, mono, exactly so long; silence beyond its end."""
    with soundfile.SoundFile(dialogue) as sound:
        rate = sound.samplerate
        sound.seek(min(round(start_s * rate), sound.frames))
        samples = sound.read(round(length_s * rate), dtype="float32", always_2d=True, fill_value=0.0)
    soundfile.write(out, samples.mean(axis=1), rate, subtype="PCM_16")


def _span(part: Mapping[str, Any]) -> list[int]:
    return [part["identity"], part["first"], part["stop"]]


def _told(number: int, shot: Mapping[str, Any], route: Route, takes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One shot as the report tells it."""
    pieces = [
        {"start_s": round(take["piece"]["start_s"], 3), "end_s": round(take["piece"]["end_s"], 3), **take["judged"]}
        for take in takes
        if take["piece"]["shot"] == number
    ]
    return {
        "start_s": round(shot["start_s"], 3),
        "end_s": round(shot["end_s"], 3),
        "face": shot["identity"],
        "way": route.way,
        "system": route.system,
        "why": route.why,
        "pieces": pieces,
    }


def _declined(routes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A note for every shot that a system was to draw and did not."""
    for route in routes:
        where = f"{route['start_s']:.1f}-{route['end_s']:.1f} s"
        if route["way"] == "none":
            yield f"Lip sync: {where} passes through: {route['why']}."
        for piece in route["pieces"]:
            if piece["reason"]:
                part = f"{piece['start_s']:.1f}-{piece['end_s']:.1f} s"
                yield f"Lip sync: {part} passes through: {piece['reason']} ({piece['what']})."
