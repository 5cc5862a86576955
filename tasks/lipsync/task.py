"""The Prefect tasks of `tasks.lipsync`: the analysis once a title, the render once a language."""

import json

from configs.scene_modes import scene_modes
from tasks.lipsync import VERSION, lipsyncer
from tasks.lipsync.finish import finish
from tasks.model import Asset, Run, Script, StepRecord
from tasks.step import Made, Work, remember, step_task


@step_task("track-faces")
def track_faces(run: Run, video: Asset, script: Script) -> StepRecord:
    """The analysis, as output ``analysis``. Depends on what is said, when and by whom."""
    settings = run.profile.lipsync
    backend = lipsyncer(settings.backend, settings.options)

    def compute(work: Work) -> Made:
        out = work.folder / "analysis.npz"
        backend.analyse(video.path, script, out, work.progress)
        return Made(outputs={"analysis": out})

    lines = [(line.start_ms, line.end_ms, line.speaker, line.text) for line in script.lines]
    inputs = {"video": video, "lines": lines, "language": script.language}
    return remember(
        run, "track-faces", VERSION, compute, backend=backend.fingerprint(), inputs=inputs, uses=[backend.facts]
    )


@step_task("lipsync")
def lipsync(run: Run, video: Asset, analysis: Asset, dialogue: Asset, phones: Asset) -> StepRecord:
    """The report as value, and the output ``picture`` unless nothing was edited."""
    settings = run.profile.lipsync
    backend = lipsyncer(settings.backend, settings.options)

    scene = run.profile.scene

    def compute(work: Work) -> Made:
        out = work.folder / "picture.mp4"
        made = backend.resync(video.path, analysis.path, dialogue.path, phones.path, run.language, out, work.progress)
        picture, told = made.picture, made.report
        if scene:
            finish(picture or video.path, scene, work.folder / "finished.mp4")
            picture, told = work.folder / "finished.mp4", {**told, "scene": scene}
        report = work.folder / "lipsync.json"
        report.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
        outputs = {"report": report} | ({"picture": picture} if picture else {})
        return Made(outputs=outputs, value=told, notes=made.notes)

    inputs = {"video": video, "analysis": analysis, "dialogue": dialogue, "phones": phones, "language": run.language}
    finishing = scene_modes()[scene].chain if scene else None
    return remember(
        run,
        "lipsync",
        VERSION,
        compute,
        settings=finishing,
        backend=backend.fingerprint(),
        inputs=inputs,
        uses=[backend.facts],
    )
