"""The Prefect tasks of `tasks.lipsync`: the analysis once a title, the render once a language."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.loudness import LoudnessPreset, loudness_presets
from tasks.keep.assets import path_of
from tasks.lipsync import Editing, LipSyncer, Tracker
from tasks.lipsync.choose import ignored_style, lipsyncing
from tasks.lipsync.finish import Finishing, finished, fitting_scene
from tasks.lipsync.plain import make_plain
from tasks.lipsync.stretches import Shelved
from tasks.lipsync.whole import WholeTranslation, conform
from tasks.records.facts import MediaFacts
from tasks.records.made import Conformed, Filmed, Pictured
from tasks.records.record import Asset
from tasks.records.script import Script
from tasks.records.title import Branch, Run
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work

_ALONE = "Lip sync: the dub without its edits is not in the store, so the mouth is planned again on every line."


@dataclass(frozen=True)
class _Plain:
    video: Asset
    facts: MediaFacts


@step_task("plain-picture")
def plain_picture(run: Run, video: Asset, facts: MediaFacts) -> Computation[_Plain, Asset]:
    """The title as lip sync takes it: whole frames, upright, the dubbed track alone.

    Args:
        run: the title.
        video: its file.
        facts: of that file.
    """
    return Computation(_Plain(video, facts), _made_plain, Asset)


def _made_plain(given: _Plain, work: Work) -> StepOutput[Asset]:
    out = work.folder / "plain.mov"
    notes = make_plain(path_of(given.video), given.facts, out, work.progress)
    return StepOutput(work.keep(out), notes)


@dataclass(frozen=True)
class _Tracked:
    video: Asset
    tracker: Tracker


@step_task("track-faces")
def track_faces(run: Run, video: Asset) -> Computation[_Tracked, Asset]:
    """The title's faces, whatever is said.

    Args:
        run: the title.
        video: its file, whole frames and upright.
    """
    tracker = lipsyncing(run.profile.lipsync).tracker
    return Computation(_Tracked(video, tracker), _tracked, Asset, uses=[tracker.facts])


def _tracked(given: _Tracked, work: Work) -> StepOutput[Asset]:
    out = work.folder / "faces.npz"
    given.tracker.track(path_of(given.video), out, work.progress)
    return StepOutput(work.keep(out))


@dataclass(frozen=True)
class _Matched:
    faces: Asset
    video: Asset
    script: Script  # what is said, when and by whom
    tracker: Tracker


@step_task("match-speech")
def match_speech(run: Run, faces: Asset, video: Asset, script: Script) -> Computation[_Matched, Asset]:
    """The analysis that lip sync draws from: the faces, and what is said, when and by whom.

    Args:
        run: the title.
        faces: from `track_faces`.
        video: its file, whole frames and upright.
        script: the source script with speakers.
    """
    tracker = lipsyncing(run.profile.lipsync).tracker
    lines = tuple(line.model_copy(update={"words": ()}) for line in script.lines)
    given = _Matched(faces, video, Script(language=script.language, lines=lines), tracker)
    return Computation(given, _matched, Asset)


def _matched(given: _Matched, work: Work) -> StepOutput[Asset]:
    out = work.folder / "analysis.npz"
    given.tracker.analyse(path_of(given.faces), path_of(given.video), given.script, out, work.progress)
    return StepOutput(work.keep(out))


@dataclass(frozen=True)
class _Resynced:
    video: Asset
    analysis: Asset
    dialogue: Asset
    phones: Asset
    language: str
    backend: LipSyncer
    finishing: Finishing
    ignored: tuple[str, ...]
    settled: dict[str, Any] | None


@step_task("lipsync")
def lipsync(
    branch: Branch,
    video: Asset,
    analysis: Asset,
    dialogue: Asset,
    phones: Asset,
    settled: dict[str, Any] | None = None,
) -> Computation[_Resynced, Pictured]:
    """The picture with the speaker's mouth moving to the dub, unless nothing was edited, and its report.

    Args:
        branch: the language.
        video: the title as `plain_picture` made it.
        analysis: from `match_speech`.
        dialogue: WAV of the dub, as long as the title.
        phones: JSON, phones on the same clock.
        settled: where lines of the dub were edited, what it came to before (`Pictured.settled`), empty where that is
            not known; None: no line was.
    """
    settings = branch.profile.lipsync
    given = _Resynced(
        video=video,
        analysis=analysis,
        dialogue=dialogue,
        phones=phones,
        language=branch.language,
        backend=lipsyncing(settings),
        finishing=Finishing.of(branch.profile),
        ignored=tuple(ignored_style(settings)),
        settled=settled,
    )
    return Computation(given, _pictured, Pictured, uses=[given.backend.facts])


def _pictured(given: _Resynced, work: Work) -> StepOutput[Pictured]:
    video, finishing = path_of(given.video), given.finishing
    backend = given.backend
    if isinstance(backend, Editing):
        shelf = Shelved(work.store.where, (given.video.sha256, given.analysis.sha256))
        backend = backend.keeping(shelf, given.settled or {})
    made = backend.resync(
        video,
        path_of(given.analysis),
        path_of(given.dialogue),
        path_of(given.phones),
        given.language,
        work.folder / "picture.mp4",
        work.progress,
    )
    alone = (_ALONE,) if given.settled == {} and isinstance(backend, Editing) else ()
    picture, figures, notes = made.picture, made.report, (*given.ignored, *alone, *made.notes)
    if finishing:
        changed, said = finished(picture or video, finishing, work.folder / "finished.mp4")
        picture, notes = (work.folder / "finished.mp4" if changed else picture), (*notes, *said)
        scene = fitting_scene(made.picture or video, finishing)
        figures = {**figures, **({"scene": scene} if scene else {})}
    pictured = Pictured(
        report=work.keep(_written(figures, work.folder)),
        figures=figures,
        picture=work.keep(picture) if picture else None,
        settled=made.settled,
    )
    return StepOutput(pictured, notes, hits=made.found, parts=made.stretches)


def _written(figures: dict[str, Any], folder: Path) -> Path:
    report = folder / "lipsync.json"
    report.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return report


@dataclass(frozen=True)
class _Whole:
    video: Asset
    language: str
    backend: WholeTranslation


@step_task("translate-film")
def translate_film(branch: Branch, video: Asset) -> Computation[_Whole, Filmed]:
    """The title as a service dubbed it, as ``film``, with its report."""
    settings = branch.profile.lipsync
    backend = WholeTranslation(settings.backend, settings.options)
    given = _Whole(video, branch.language, backend)
    return Computation(given, _dubbed_elsewhere, Filmed, uses=[backend.facts])


def _dubbed_elsewhere(given: _Whole, work: Work) -> StepOutput[Filmed]:
    film = work.folder / "film.mp4"
    figures = given.backend.translate(path_of(given.video), given.language, film, work.progress)
    note = f"{figures['system']} dubbed the whole title into {figures['language']}; its words were not checked."
    report = _written(figures, work.folder)
    return StepOutput(Filmed(film=work.keep(film), report=work.keep(report), figures=figures), (note,))


@dataclass(frozen=True)
class _Film:
    film: Asset
    came: MediaFacts
    source: MediaFacts
    preset: LoudnessPreset
    finishing: Finishing
    ignored: tuple[str, ...]


@step_task("conform-film")
def conform_film(branch: Branch, film: Asset, came: MediaFacts, source: MediaFacts) -> Computation[_Film, Conformed]:
    """A service's film on the title's clock and at its loudness.

    Args:
        branch: the language.
        film: what the service returned.
        came: facts of that file.
        source: facts of the title.
    """
    preset, ignored = loudness_presets()[branch.profile.loudness], tuple(ignored_style(branch.profile.lipsync))
    given = _Film(film, came, source, preset, Finishing.of(branch.profile), ignored)
    return Computation(given, _conformed, Conformed)


def _conformed(given: _Film, work: Work) -> StepOutput[Conformed]:
    from tasks.sound.aac import encode_aac

    picture, sound, audio = (work.folder / name for name in ("picture.mp4", "sound.wav", "dub.m4a"))
    notes = conform(
        path_of(given.film), given.came, given.source, picture, sound, lambda share: work.progress(share / 2)
    )
    said = given.ignored
    if given.finishing:
        changed, remarks = finished(picture, given.finishing, work.folder / "finished.mp4")
        picture, said = (work.folder / "finished.mp4" if changed else picture), (*said, *remarks)
    encoded = encode_aac(sound, audio, given.preset, lambda share: work.progress(0.5 + share / 2))
    made = Conformed(picture=work.keep(picture), dialogue=work.keep(sound), audio=work.keep(audio), encoded=encoded)
    return StepOutput(made, (*notes, *said, *encoded.notes))
