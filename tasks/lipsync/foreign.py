"""Adapter of third-party lip-sync systems: our tracker, cutting, masks, gates and measurements around any `Reanimator`.

Each shot is cut to the system's limits and sent; the result is checked (identity, length, sharpness, time offset,
better than the original), and its mouth is composited onto the moving source face. A shot that fails keeps its picture.
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

#: Raised whenever a change of the adapter alters the output.
_VERSION = 1
#: Seconds of a clip if the appearance drifts with the system.
_DRIFT_S = 10.0
#: Bytes per second of the speech that is sent (48 kHz, 16 bit, mono), and of its header.
_SPEECH_BYTES, _HEADER = 96_000, 4096


class AdapterOptions(LipsyncStyle, registry.Options):
    """Options of the adapter around a third-party system.

    Attributes:
        crop: the system's input: a stable square around the face, or the whole picture.
        portrait: use of a clip made from a still: composite only its mouth onto the moving face, replace the whole
            picture for the shot, or do not use the system.
        budget_usd: maximum cost of all shots together, further shots keep their picture; None for no limit.
        at_once: maximum clips at a hosted system at the same time.
        restore: restoration of faces in the results; None for none.
        crf: x264 quality of the edited picture, lower is better.
        preset: x264 speed.
        device: device of our own engine.
        deadline_s: time limit of each of the engine's jobs, seconds.
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


class SystemOptions(AdapterOptions):
    """Adapter options, with the system's own options under ``system``."""

    system: dict[str, Any] = Field({})


class AutoOptions(AdapterOptions):
    """Adapter options, with the systems to which shots may be sent.

    Attributes:
        video: the system for shots that the engine's gates decline; empty for none.
        still: the system for faces that never move; empty for none.
        systems: their own options, by name.
    """

    video: str = ""
    still: str = ""
    systems: dict[str, dict[str, Any]] = Field({})


class ForeignLipSyncer:
    """Lip sync with the engine's analysis and third-party systems' mouths.

    Attributes:
        facts: of the engine and all systems together: commercial only if all are.
    """

    def __init__(self, name: str, options: AdapterOptions, systems: Mapping[Takes, System], *, auto: bool) -> None:
        """Make no request.

        Args:
            name: name of the backend.
            options: options of the adapter.
            systems: the systems by their input.
            auto: route each shot by the engine's gates, the engine included; otherwise all go to the one system.
        """
        self.options, self._offers, self._auto = options, systems, auto
        self._systems = {one.name: one for one in systems.values()}
        parts = [one.facts for one in systems.values()]
        parts += [restore_facts(options.restore)] if options.restore else []
        self.facts = _together(name, parts)
        shared = options.model_dump(include={"crf", "preset", "device", "deadline_s", *LipsyncStyle.model_fields})
        self._native = NativeLipSyncer(NativeLipSyncer.Options(**shared))

    def fingerprint(self) -> str:
        """The engine's, every system's, and the adapter's options, without budget and speed settings."""
        around = self.options.model_dump(
            mode="json",
            include={"crop", "portrait", "budget_usd", "restore"},
        )
        systems = [one.reanimator.fingerprint() for one in self._systems.values()]
        return json.dumps([_VERSION, self._auto, systems, around, self._native.fingerprint()], sort_keys=True)

    def missing(self) -> list[str]:
        """What is missing for the engine, the systems and the restoration."""
        lacks = [line for one in self._systems.values() for line in one.reanimator.missing()]
        restoring = restore_missing(self.options.restore) if self.options.restore else []
        return [*self._native.missing(), *lacks, *restoring]

    def cost_usd(self, seconds: float) -> float:
        """The maximum cost of this many seconds of a title: all by the most expensive system, within the budget."""
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
        """Render one language; the treatment of each shot is in the report's ``routes``.

        Raises:
            TransientError: a system may answer later; its results so far are found again then.
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
        del report["settled"]  # of no use where whole shots are bought again
        judged = iter(made["judged"])
        for take in takes:
            take["judged"] = {"reason": "not_made", "what": take["problem"]} if take["problem"] else next(judged)
        report["routes"] = [_reported(n, s, r, takes) for n, (s, r) in enumerate(zip(shots, routes, strict=True))]
        report["estimated_usd"] = estimate
        report["jobs"] = receipts
        report["billed_usd"] = round(sum(receipt["usd"] for receipt in receipts), 6)
        notes = (*_declined(report["routes"]), *passed_through(report))
        return Resynced(out if report["edited"] else None, report, notes)

    def _routes(self, shots: Sequence[dict[str, Any]]) -> tuple[list[Route], float]:
        routes = automatic(shots, self._offers) if self._auto else fixed(shots, next(iter(self._systems.values())))
        if self.options.portrait == "refuse":
            refused = Route("none", "", "the profile rejects pictures made from stills (portrait: refuse)")
            routes = [refused if route.way == "portrait" else route for route in routes]
        for shot, route in zip(shots, routes, strict=True):
            shot["asked_s"] = shot["end_s"] - shot["start_s"]
            if route.system in self._systems:
                shot["asked_s"] = _asked_s(shot["asked_s"], self._bounds(route.system))
        return within_budget(shots, routes, self._systems, self.options.budget_usd)

    def _bounds(self, name: str) -> dict[str, Any]:
        """A system's limits in the form of the engine's cutter."""
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
        """Make every clip; permanent failures are recorded for the clip, transient ones are raised at the end."""
        takes: list[dict[str, Any]] = []
        own = contextvars.copy_context  # the cost of a job is counted for the step that waits for it
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
        """Make one clip; returns why it failed, empty if it did not."""
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
        return "" if clip.exists() else f"{chosen.name} returned no file"

    def _replaces(self, takes: Takes) -> bool:
        """Whether a system's whole picture replaces the title's."""
        return takes == "portrait" and self.options.portrait == "frame"

    def _engine(self, job: dict[str, Any], progress: Progress = silent) -> dict[str, Any]:
        def half(share: float) -> None:
            progress(0.5 + 0.5 * share)

        return engine_job(job, half, device=self.options.device, deadline_s=self.options.deadline_s)


def _reanimate(chosen: System, picture: Path, speech: Path, out: Path) -> None:
    """Run a system; if the process ends meanwhile, the job is cancelled where the provider allows it."""
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
        address=next((part.address for part in parts if part.address), ""),
        paid=any(part.paid for part in parts),
        uploads_faces=any(part.uploads_faces for part in parts),
        clause="; ".join(f"{part.name}: {part.clause or part.weights_licence}" for part in closed),
    )


def _longest_s(limits: Limits) -> float | None:
    """Maximum seconds of a clip: by length, by the speech's bytes, and by drift of the appearance."""
    by_bytes = (limits.speech_bytes - _HEADER) / _SPEECH_BYTES if limits.speech_bytes else None
    every = [value for value in (limits.longest_s, by_bytes, _DRIFT_S if limits.drifts else None) if value is not None]
    return min(every, default=None)


def _asked_s(seconds: float, bounds: Mapping[str, Any]) -> float:
    """Seconds that are sent for a shot, including overlaps and the minimum clip length."""
    longest, shortest = bounds["longest_s"] or math.inf, bounds["shortest_s"] or 0.0
    overlap = min(1.0, longest / 3)
    count = 1 if seconds <= longest else math.ceil((seconds - overlap) / (longest - overlap))
    return max(seconds + (count - 1) * overlap, count * shortest)


def _write_speech(dialogue: Path, start_s: float, length_s: float, out: Path) -> None:
    """Write an excerpt of the dub, mono, of exact length, padded with silence.

    Args:
        dialogue: the dub, WAV.
        start_s: start of the excerpt, seconds.
        length_s: its length, seconds.
        out: the WAV file.
    """
    with soundfile.SoundFile(dialogue) as sound:
        rate = sound.samplerate
        sound.seek(min(round(start_s * rate), sound.frames))
        samples = sound.read(round(length_s * rate), dtype="float32", always_2d=True, fill_value=0.0)
    soundfile.write(out, samples.mean(axis=1), rate, subtype="PCM_16")


def _span(part: Mapping[str, Any]) -> list[int]:
    return [part["identity"], part["first"], part["stop"]]


def _reported(number: int, shot: Mapping[str, Any], route: Route, takes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One shot as it appears in the report.

    Args:
        number: of the shot.
        shot: the engine's facts of it.
        route: who draws it, and why.
        takes: its clips.
    """
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
    """A note for each shot that a system should have drawn but did not."""
    for route in routes:
        where = f"{route['start_s']:.1f}-{route['end_s']:.1f} s"
        if route["way"] == "none":
            yield f"Lip sync: {where} keeps its picture: {route['why']}."
        for piece in route["pieces"]:
            if piece["reason"]:
                part = f"{piece['start_s']:.1f}-{piece['end_s']:.1f} s"
                yield f"Lip sync: {part} keeps its picture: {piece['reason']} ({piece['what']})."
