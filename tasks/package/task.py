"""The Prefect tasks of `tasks.package`: a preview's source, a language's master, the title's multi-track master."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from configs.loudness import LoudnessPreset, loudness_presets
from tasks.keep.assets import path_of
from tasks.records.facts import MediaFacts
from tasks.records.made import Mixed, Packed, TimedTexts
from tasks.records.record import Asset
from tasks.records.result import BranchResult
from tasks.records.script import Script
from tasks.records.title import Branch, Run
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work


@dataclass(frozen=True)
class _Stretch:
    video: Asset
    preview_ms: int
    start_ms: int


@step_task("cut-preview")
def cut_preview(run: Run, video: Asset) -> Computation[_Stretch, Asset]:
    """A stretch of the title."""
    return Computation(_Stretch(video, run.title.preview_ms, run.title.preview_start_ms), _cut, Asset)


def _cut(given: _Stretch, work: Work) -> StepOutput[Asset]:
    from tasks.package.preview import cut_stretch

    video = path_of(given.video)
    out = work.folder / f"preview{video.suffix.lower() or '.mkv'}"
    notes = cut_stretch(video, given.start_ms, given.preview_ms, out)
    return StepOutput(work.keep(out), notes)


@dataclass(frozen=True)
class _Master:
    video: Asset
    facts: MediaFacts
    picture: Asset | None
    altered: bool
    audio: Asset
    script: Script
    stems: dict[str, Asset]
    kind: Literal["wav", "flac"]
    language: str
    title: str
    recorded: bool
    srt: Asset | None
    vtt: Asset | None
    sound: "_Sound | None"
    aigc: bool


@dataclass(frozen=True)
class _Sound:
    """What the master of a title without a picture is made of besides."""

    preset: LoudnessPreset
    speech: tuple[tuple[int, int], ...]


@step_task("package")
def package(
    branch: Branch,
    video: Asset,
    facts: MediaFacts,
    picture: Asset | None,
    mixed: Mixed,
    stems: Mapping[str, Asset],
    script: Script,
    *,
    altered: bool = True,
    subtitles: TimedTexts | None = None,
) -> Computation[_Master, Packed]:
    """A language's master with its script, subtitles and stems.

    Args:
        branch: title and language.
        video: the source, whose picture is copied where nothing was edited.
        facts: of the source.
        picture: the lip-synced or finished picture; None where it is the source's.
        mixed: the dub's sound, encoded too.
        stems: lossless sound by role: the dub's dialogue, the bed (M&E), the mix.
        script: the dub's script.
        altered: whether mouths of ``picture`` were changed.
        subtitles: made by the style guide; None: they are written here.
    """
    given = _Master(
        video=video,
        facts=facts,
        picture=picture,
        altered=altered and picture is not None,
        audio=mixed.audio,
        script=script,
        stems=dict(stems),
        kind=branch.profile.mix.stems,
        language=branch.language,
        title=branch.title.name,
        recorded=branch.language in branch.title.dubs,
        srt=subtitles.files["script.srt"] if subtitles else None,
        vtt=subtitles.files["script.vtt"] if subtitles else None,
        sound=_Sound(loudness_presets()[branch.profile.loudness], mixed.made.speech if mixed.made else ())
        if facts.sound_only
        else None,
        aigc=branch.profile.label == "cn" and branch.language not in branch.title.dubs,
    )
    return Computation(given, _packed, Packed)


def _packed(given: _Master, work: Work) -> StepOutput[Packed]:
    from tasks.package.package import package_master
    from tasks.package.stems import stem
    from tasks.sound.loudness import measure_loudness
    from tasks.words.cues import DEFAULT_RATE
    from tasks.words.subtitles import write_subtitles

    facts, script = given.facts, given.script
    srt, vtt, lines = (work.folder / f"script.{form}" for form in ("srt", "vtt", "json"))
    rate = facts.picture.frame_rate if facts.picture else DEFAULT_RATE
    for asset, path in ((given.srt, srt), (given.vtt, vtt)):
        if asset is None:
            write_subtitles(script, path, rate, facts.duration_ms)
        else:
            path.write_bytes(path_of(asset).read_bytes())
    lines.write_text(script.model_dump_json(indent=2) + "\n", "utf-8")
    master = work.folder / f"master{facts.master_ending}"
    notes = package_master(
        path_of(given.picture or given.video),
        facts,
        path_of(given.audio),
        srt,
        given.language,
        given.title,
        master,
        synthetic_speech=not given.recorded,
        altered_picture=given.altered,
        source=path_of(given.video),
        aigc=given.aigc,
        progress=work.progress,
    )
    alike, ending, said = _alike(given, given.sound, work) if given.sound else (None, "", ())
    loudness = measure_loudness(master)
    sound = {role: stem(made, given.kind, work.folder, role) for role, made in given.stems.items()}
    made = Packed(
        master=work.keep(master),
        script=work.keep(lines),
        srt=work.keep(srt),
        vtt=work.keep(vtt),
        stems={role: out if isinstance(out, Asset) else work.keep(out) for role, out in sound.items()},
        loudness=loudness,
        alike=work.keep(alike) if alike else None,
        ending=ending,
    )
    return StepOutput(made, (*notes, *said))


def _alike(given: _Master, sound: _Sound, work: Work) -> tuple[Path | None, str, tuple[str, ...]]:
    """The master in the source's kind, its ending, and notes; None where that is the M4A."""
    from tasks.package.package import disclosure
    from tasks.package.sound_kinds import kind_of
    from tasks.package.sound_master import sound_master

    kind, notes = kind_of(given.facts)
    if kind is None:
        return None, "", notes
    out = work.folder / f"alike{kind.ending}"
    said = sound_master(
        path_of(given.stems["mix"]),
        path_of(given.video),
        given.facts,
        kind,
        given.language,
        given.title,
        disclosure(given.language, synthetic_speech=not given.recorded, altered_picture=False),
        sound.preset,
        sound.speech,
        out,
    )
    return out, kind.ending, (*notes, *said)


@dataclass(frozen=True)
class _Turned:
    video: Asset
    facts: MediaFacts


@step_task("turn-picture")
def turn_picture(run: Run, video: Asset, facts: MediaFacts) -> Computation[_Turned, Asset]:
    """The picture of a source that is stored turned or mirrored, upright.

    Args:
        run: the title.
        video: its file.
        facts: of that file.
    """
    return Computation(_Turned(video, facts), _upright, Asset)


def _upright(given: _Turned, work: Work) -> StepOutput[Asset]:
    from tasks.package.package import upright_picture

    out = work.folder / "upright.mkv"
    notes = upright_picture(path_of(given.video), given.facts, out, work.progress)
    return StepOutput(work.keep(out), notes)


@dataclass(frozen=True)
class _Dub:
    language: str
    audio: Asset
    subtitles: Asset | None
    synthetic: bool


@dataclass(frozen=True)
class _Tracks:
    video: Asset
    facts: MediaFacts
    picture: Asset | None
    dubs: tuple[_Dub, ...]
    original_language: str
    title: str


@step_task("package-multi")
def package_multi(
    run: Run,
    video: Asset,
    facts: MediaFacts,
    original_language: str,
    branches: Sequence[BranchResult],
    picture: Asset | None = None,
) -> Computation[_Tracks, Asset]:
    """One file with the source's tracks copied, and every delivered language.

    Args:
        run: the title.
        video: the source.
        facts: of the source.
        original_language: BCP-47 tag of its script.
        branches: of every language, in the order of their tracks.
        picture: the source's, upright; None where it is stored so.
    """
    dubs = tuple(
        _Dub(branch.language, branch.audio, branch.subtitles, branch.language not in run.title.dubs)
        for branch in branches
        if branch.audio
    )
    given = _Tracks(video, facts, picture, dubs, original_language, run.title.name)
    return Computation(given, _multi, Asset)


def _multi(given: _Tracks, work: Work) -> StepOutput[Asset]:
    from tasks.package.package import DubTrack
    from tasks.package.package import package_multi as pack

    out = work.folder / f"multi{Path(given.facts.multi_ending).suffix}"
    dubs = [
        DubTrack(
            language=dub.language,
            audio_m4a=path_of(dub.audio),
            subtitles_srt=path_of(dub.subtitles) if dub.subtitles else None,
            synthetic=dub.synthetic,
        )
        for dub in given.dubs
    ]
    notes = pack(
        path_of(given.video),
        given.facts,
        dubs,
        given.original_language,
        out,
        title=given.title,
        picture=path_of(given.picture) if given.picture else None,
        progress=work.progress,
    )
    return StepOutput(work.keep(out), notes)
