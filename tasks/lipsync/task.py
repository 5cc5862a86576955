"""The Prefect tasks of `tasks.lipsync`: the analysis once a title, the render once a language."""

import json

from configs.loudness import loudness_presets
from tasks.keep.assets import path_of
from tasks.lipsync import VERSION, lipsyncing, unheeded
from tasks.lipsync.finish import Finishing, finished, fitting_scene
from tasks.lipsync.plain import is_plain, make_plain
from tasks.lipsync.tracker import NoTracker
from tasks.lipsync.whole import WholeTranslation, conform
from tasks.records.model import Asset, MediaFacts, Run, Script, StepRecord
from tasks.step.prefect import step_task
from tasks.step.run import Made, Work, remember


def takes_as_it_is(run: Run, facts: MediaFacts) -> bool:
    """Whether lip sync works on the title itself, or on nothing."""
    idle = isinstance(lipsyncing(run.profile.lipsync).tracker, NoTracker) and not Finishing.of(run.profile)
    return idle or is_plain(facts)


@step_task("plain-picture")
def plain_picture(run: Run, video: Asset, facts: MediaFacts) -> StepRecord:
    """The title as lip sync takes it, as output ``video``: whole frames, upright, the dubbed track alone."""

    def compute(work: Work) -> Made:
        out = work.folder / "plain.mov"
        notes = make_plain(path_of(video), facts, out, work.progress)
        return Made(outputs={"video": out}, notes=notes)

    return remember(run, "plain-picture", VERSION, compute, inputs={"video": video, "facts": facts})


@step_task("track-faces")
def track_faces(run: Run, video: Asset, script: Script) -> StepRecord:
    """The analysis, as output ``analysis``. Depends on what is said, when and by whom."""
    tracker = lipsyncing(run.profile.lipsync).tracker

    def compute(work: Work) -> Made:
        out = work.folder / "analysis.npz"
        tracker.analyse(path_of(video), script, out, work.progress)
        return Made(outputs={"analysis": out})

    lines = [(line.start_ms, line.end_ms, line.speaker, line.text) for line in script.lines]
    inputs = {"video": video, "lines": lines, "language": script.language}
    return remember(
        run, "track-faces", VERSION, compute, backend=tracker.fingerprint(), inputs=inputs, uses=[tracker.facts]
    )


@step_task("lipsync")
def lipsync(run: Run, video: Asset, analysis: Asset, dialogue: Asset, phones: Asset) -> StepRecord:
    """The report as value, and the output ``picture`` unless nothing was edited."""
    backend, finishing = lipsyncing(run.profile.lipsync), Finishing.of(run.profile)
    ignored = unheeded(run.profile.lipsync)

    def compute(work: Work) -> Made:
        out = work.folder / "picture.mp4"
        made = backend.resync(
            path_of(video), path_of(analysis), path_of(dialogue), path_of(phones), run.language, out, work.progress
        )
        picture, told, notes = made.picture, made.report, (*ignored, *made.notes)
        if finishing:
            changed, said = finished(picture or path_of(video), finishing, work.folder / "finished.mp4")
            picture, notes = (work.folder / "finished.mp4" if changed else picture), (*notes, *said)
            scene = fitting_scene(made.picture or path_of(video), finishing)
            told = {**told, **({"scene": scene} if scene else {})}
        report = work.folder / "lipsync.json"
        report.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
        outputs = {"report": report} | ({"picture": picture} if picture else {})
        return Made(outputs=outputs, value=told, notes=notes)

    inputs = {"video": video, "analysis": analysis, "dialogue": dialogue, "phones": phones, "language": run.language}
    return remember(
        run,
        "lipsync",
        VERSION,
        compute,
        settings=[finishing.facts(), list(ignored)] if ignored else finishing.facts(),
        backend=backend.fingerprint(),
        inputs=inputs,
        uses=[backend.facts],
    )


@step_task("translate-film")
def translate_film(run: Run, video: Asset) -> StepRecord:
    """The title as a service dubbed it, as output ``film``, with ``report`` (JSON), which is the value too."""
    settings = run.profile.lipsync
    backend = WholeTranslation(settings.backend, settings.options)

    def compute(work: Work) -> Made:
        film, report = work.folder / "film.mp4", work.folder / "lipsync.json"
        told = backend.translate(path_of(video), run.language, film, work.progress)
        report.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
        notes = (f"{told['system']} dubbed the whole title into {told['language']}; its words were not checked.",)
        return Made(outputs={"film": film, "report": report}, value=told, notes=notes)

    inputs = {"video": video, "language": run.language}
    return remember(
        run, "translate-film", VERSION, compute, backend=backend.fingerprint(), inputs=inputs, uses=[backend.facts]
    )


@step_task("conform-film")
def conform_film(run: Run, film: Asset, came: MediaFacts, source: MediaFacts) -> StepRecord:
    """A service's film on the title's clock and at its loudness: ``picture``, ``dialogue`` (WAV), ``audio``."""
    preset, finishing = loudness_presets()[run.profile.loudness], Finishing.of(run.profile)
    ignored = unheeded(run.profile.lipsync)

    def compute(work: Work) -> Made:
        from tasks.sound.aac import encode_aac

        picture, sound, audio = (work.folder / name for name in ("picture.mp4", "sound.wav", "dub.m4a"))
        notes = conform(path_of(film), came, source, picture, sound, lambda share: work.progress(share / 2))
        said: tuple[str, ...] = ignored
        if finishing:
            changed, told = finished(picture, finishing, work.folder / "finished.mp4")
            picture, said = (work.folder / "finished.mp4" if changed else picture), (*said, *told)
        encoded = encode_aac(sound, audio, preset, lambda share: work.progress(0.5 + share / 2))
        value = {"mix": {"kept": []}, "encoded": encoded.model_dump(mode="json")}
        outputs = {"picture": picture, "dialogue": sound, "audio": audio}
        return Made(outputs=outputs, value=value, notes=(*notes, *said, *encoded.notes))

    inputs = {"film": film, "duration_ms": source.duration_ms, "picture": source.picture}
    settings = [preset, finishing.facts(), *ignored]
    return remember(run, "conform-film", VERSION, compute, settings=settings, inputs=inputs)
