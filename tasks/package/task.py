"""The Prefect tasks of `tasks.package`: a preview's source, a language's master, the title's multi-track master."""

from collections.abc import Mapping, Sequence

from tasks.keep.assets import path_of
from tasks.package import VERSION
from tasks.records.model import Asset, BranchResult, MediaFacts, Run, Script, StepRecord
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember


@step_task("cut-preview")
def cut_preview(run: Run, video: Asset) -> StepRecord:
    """The beginning of the title, stream-copied, as output ``video``."""

    def compute(work: Work) -> Made:
        from tasks.package.preview import cut_beginning

        out = work.folder / f"preview{path_of(video).suffix.lower() or '.mkv'}"
        notes = cut_beginning(path_of(video), run.title.preview_ms, out)
        return Made(outputs={"video": out}, notes=notes)

    inputs = {"video": video, "preview_ms": run.title.preview_ms}
    return remember(run, "cut-preview", VERSION, compute, inputs=inputs)


@step_task("package")
def package(
    run: Run,
    video: Asset,
    facts: MediaFacts,
    picture: Asset | None,
    audio: Asset,
    stems: Mapping[str, Asset],
    script: Script,
    *,
    altered: bool = True,
) -> StepRecord:
    """Outputs ``master`` (MP4), ``script`` (JSON), ``srt`` and ``vtt``, and every stem under its own role.

    Args:
        run: title and language.
        video: the source, whose picture is copied where nothing was edited.
        facts: of the source.
        picture: the lip-synced or finished picture; None where it is the source's.
        audio: the encoded dub.
        stems: lossless sound by role: the dub's dialogue, the bed (M&E), the mix.
        script: the dub's script.
        altered: whether mouths of ``picture`` were changed.
    """
    altered = altered and picture is not None
    recorded, kind = run.language in run.title.dubs, run.profile.mix.stems

    def compute(work: Work) -> Made:
        from tasks.package.package import package_master
        from tasks.package.stems import stem
        from tasks.sound.loudness import measure_loudness
        from tasks.words.subtitles import write_srt, write_vtt

        files = {role: work.folder / f"script.{role}" for role in ("srt", "vtt", "json")}
        assert facts.picture is not None
        write_srt(script, files["srt"], facts.picture.frame_rate, facts.duration_ms)
        write_vtt(script, files["vtt"], facts.picture.frame_rate, facts.duration_ms)
        files["json"].write_text(script.model_dump_json(indent=2) + "\n", "utf-8")
        master = work.folder / "master.mp4"
        notes = package_master(
            path_of(picture or video),
            facts,
            path_of(audio),
            files["srt"],
            run.language,
            run.title.name,
            master,
            synthetic_speech=not recorded,
            altered_picture=altered,
            progress=work.progress,
        )
        outputs = {"master": master, "script": files["json"], "srt": files["srt"], "vtt": files["vtt"]}
        sound = {role: stem(made, kind, work.folder, role) for role, made in stems.items()}
        return Made(
            outputs={**outputs, **sound}, value={"loudness": measure_loudness(master).model_dump()}, notes=notes
        )

    inputs = {
        "video": video,
        "picture": picture,
        "altered": altered,
        "audio": audio,
        "script": script,
        "stems": stems,
        "kind": kind,
        "language": run.language,
        "title": run.title.name,
        "recorded": recorded,
    }
    return remember(run, "package", VERSION, compute, inputs=inputs)


@step_task("turn-picture")
def turn_picture(run: Run, video: Asset, facts: MediaFacts) -> StepRecord:
    """Output ``picture``: that of the source, which is stored turned or mirrored, upright."""

    def compute(work: Work) -> Made:
        from tasks.package.package import upright_picture

        out = work.folder / "upright.mkv"
        notes = upright_picture(path_of(video), facts, out, work.progress)
        return Made(outputs={"picture": out}, notes=notes)

    return remember(run, "turn-picture", VERSION, compute, inputs={"video": video, "facts": facts})


@step_task("package-multi")
def package_multi(
    run: Run,
    video: Asset,
    facts: MediaFacts,
    original_language: str,
    branches: Sequence[BranchResult],
    picture: Asset | None = None,
) -> StepRecord:
    """Output ``multi``: the source's tracks copied, and every delivered language.

    Args:
        run: the title.
        video: the source.
        facts: of the source.
        original_language: BCP-47 tag of its script.
        branches: of every language, in the order of their tracks.
        picture: the source's, upright; None where it is stored so.
    """
    tracks = [(branch.language, branch.audio, branch.subtitles) for branch in branches if branch.audio]

    def compute(work: Work) -> Made:
        from tasks.package.package import DubTrack
        from tasks.package.package import package_multi as pack

        out = work.folder / "multi.mkv"
        dubs = [
            DubTrack(
                language=language,
                audio_m4a=path_of(audio),
                subtitles_srt=path_of(subtitles) if subtitles else None,
                synthetic=language not in run.title.dubs,
            )
            for language, audio, subtitles in tracks
            if audio
        ]
        notes = pack(
            path_of(video),
            facts,
            dubs,
            original_language,
            out,
            title=run.title.name,
            picture=path_of(picture) if picture else None,
            progress=work.progress,
        )
        return Made(outputs={"multi": out}, notes=notes)

    inputs = {
        "video": video,
        "facts": facts,
        "picture": picture,
        "tracks": tracks,
        "original": original_language,
        "title": run.title.name,
    }
    return remember(run, "package-multi", VERSION, compute, inputs=inputs)
