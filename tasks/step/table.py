"""The steps of dubbing, each named once, in the order in which they run.

Keys, progress, time left, forecast, budget, pools, slots and docs/steps.md read this table. It names packages by text,
for it lies below them. `python -m tasks.step.table` prints it as the page has it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Literal

from configs.profile import Section

#: Once a title before its languages, once a language, or once a title after them.
Part = Literal["title", "branch", "end"]
#: How a language is dubbed: its lines are spoken here, or were recorded, or a service makes the whole film.
Way = Literal["spoken", "recorded", "service"]

_ALWAYS: tuple[Way, ...] = ("spoken", "recorded", "service")
_HERE: tuple[Way, ...] = ("spoken", "recorded")
_SPOKEN: tuple[Way, ...] = ("spoken",)
_SYNTHETIC: tuple[Way, ...] = ("spoken", "service")

#: Of whose results each step of a part is given some, as far as they run; others run beside it (`flows.dub.beside`).
_NEEDS: dict[str, tuple[str, ...]] = {
    "probe": ("cut-preview",),
    "separate": ("probe",),
    "transcribe": ("separate",),
    "diarize": ("transcribe",),
    "plain-picture": ("probe",),
    "track-faces": ("plain-picture", "probe"),
    "match-speech": ("track-faces", "diarize"),
    "synthesize": ("translate",),
    "adapt": ("synthesize",),
    "ingest": ("translate",),
    "watermark": ("adapt",),
    "fit": ("watermark", "adapt"),
    "conform-film": ("translate-film", "probe"),
    "lipsync": ("fit", "ingest"),
    "mix": ("fit", "ingest"),
    "find-shots": (),
    "timed-text": ("find-shots", "fit", "ingest"),
    "label": ("lipsync", "conform-film"),
    "package": ("label", "lipsync", "mix", "conform-film", "timed-text"),
    "burn": ("package", "find-shots"),
    "find-watermark": ("package",),
    "qc": ("find-watermark", "package"),
    "sign": ("qc",),
    "report": ("sign", "qc"),
    "package-multi": ("turn-picture",),
    "qc-multi": ("package-multi",),
    "sign-multi": ("qc-multi",),
    "sign-presets": ("deliver",),
    "deliver": ("translate-name", "deliver-ladder", "deliver-picture"),
}


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        name: in keys, events, ledger and reports.
        does: the same in words for the user.
        package: whose ``VERSION`` is the step's.
        weight: seconds that it takes per second of title, on 2 CPU cores, until this machine's own are known.
        part: when it runs.
        ways: of dubbing a language that take it.
        section: of the profile, whose backend does it; None: it has none.
        gpu: its backend may use an accelerator, and then holds one.
        cores: it keeps many cores busy itself, whatever its backend.
        local: it is done on this machine even where its section's backend is a service.
        keyed: its version enters the content key of its part.
    """

    name: str
    does: str
    package: str
    weight: float
    part: Part = "branch"
    ways: tuple[Way, ...] = ()
    section: Section | None = None
    gpu: bool = False
    cores: bool = False
    local: bool = False
    keyed: bool = True

    @property
    def needs(self) -> tuple[str, ...]:
        """The steps of its part that it waits for, as far as they run."""
        return _NEEDS.get(self.name, ())

    @property
    def version(self) -> int:
        """Raised whenever a change of its code alters what comes out."""
        version: int = importlib.import_module(self.package).VERSION
        return version


STEPS: tuple[Step, ...] = (
    # The packager's version enters the key of every language.
    Step("cut-preview", "cut the beginning, for a preview", "tasks.package", 0.03, "title", keyed=False),
    Step("probe", "read what a file holds", "tasks.probe", 0.02, "title", ("service",)),
    Step("separate", "separate speech from the rest", "tasks.separate", 0.3, "title", section="separate", gpu=True),
    Step("transcribe", "transcribe the speech", "tasks.transcribe", 0.3, "title", section="transcribe", gpu=True),
    Step("diarize", "find who speaks each line", "tasks.diarize", 0.3, "title", section="diarize"),
    Step("plain-picture", "make whole upright frames for lip sync", "tasks.lipsync", 2.0, "title", cores=True),
    Step("track-faces", "find faces", "tasks.lipsync", 1.5, "title", section="lipsync", gpu=True, local=True),
    Step("match-speech", "tell what the faces say", "tasks.lipsync", 0.1, "title"),
    Step("translate", "translate the lines", "tasks.translate", 0.1, ways=_HERE, section="translate", gpu=True),
    Step("synthesize", "speak the lines", "tasks.synthesize", 0.1, ways=_SPOKEN, section="synthesize", gpu=True),
    Step("adapt", "reword lines of a wrong length", "tasks.adapt", 0.01, ways=_SPOKEN, section="translate", gpu=True),
    Step("watermark", "mark the spoken lines", "tasks.watermark", 0.02, ways=_SPOKEN, section="watermark", gpu=True),
    Step("ingest", "fit a recorded dub to the title", "tasks.ingest", 0.2, ways=("recorded",), section="separate"),
    Step("fit", "place each line in its slot", "tasks.fit", 0.1, ways=_SPOKEN),
    Step("translate-film", "dub it by a service", "tasks.lipsync", 5.0, ways=("service",), section="lipsync"),
    Step("conform-film", "fit its film to the title", "tasks.lipsync", 0.9, ways=("service",), cores=True),
    Step("lipsync", "move the mouths to the dub", "tasks.lipsync", 5.0, ways=_HERE, section="lipsync", gpu=True),
    Step("mix", "mix speech and bed to the loudness", "tasks.mix", 0.4, ways=_HERE),
    Step("find-shots", "find the changes of shot", "tasks.timed_text", 0.2, ways=_HERE, cores=True),
    Step("timed-text", "write subtitles by the style guide", "tasks.timed_text", 0.01, ways=_HERE),
    # Its version enters the key with the label that is asked for.
    Step("label", "label the picture", "tasks.label", 1.0, ways=_SYNTHETIC, cores=True, keyed=False),
    Step("package", "pack the language's master", "tasks.package", 0.1, ways=_ALWAYS),
    Step("burn", "draw the subtitles into a copy", "tasks.timed_text", 1.0, ways=_HERE, cores=True),
    Step(
        "find-watermark",
        "look for the mark in the master",
        "tasks.watermark",
        0.05,
        ways=_SPOKEN,
        section="watermark",
        gpu=True,
    ),
    Step("qc", "measure the master and judge it", "tasks.qc", 0.2, ways=_ALWAYS, section="transcribe"),
    # Where nothing is signed its version changes nothing; else it enters the key with the certificate.
    Step("sign", "sign what is delivered", "tasks.sign", 0.02, ways=_ALWAYS, keyed=False),
    Step("report", "write the review page", "tasks.report", 0.1, ways=_ALWAYS),
    Step("turn-picture", "turn the picture upright", "tasks.package", 1.0, "end", cores=True),
    Step("package-multi", "pack every language in one master", "tasks.package", 0.05, "end"),
    Step("qc-multi", "check the sync of every dub in it", "tasks.qc", 0.05, "end"),
    Step("sign-multi", "sign that master", "tasks.sign", 0.02, "end", keyed=False),
    Step("translate-name", "translate title and description", "tasks.deliver", 0.01, "end", section="translate"),
    Step("deliver-ladder", "make the pictures of a streaming package", "tasks.deliver", 1.0, "end", cores=True),
    Step("deliver-picture", "make the picture of a broadcaster's file", "tasks.deliver", 1.0, "end", cores=True),
    Step("deliver", "pack the delivery presets", "tasks.deliver", 0.1, "end"),
    Step("sign-presets", "sign the delivery presets", "tasks.sign", 0.05, "end", keyed=False),
)
BY_NAME = {step.name: step for step in STEPS}


def of_part(part: Part) -> tuple[Step, ...]:
    """The steps of one part of a title, in order."""
    return tuple(step for step in STEPS if step.part == part)


def of_way(way: Way) -> tuple[Step, ...]:
    """The steps of a language that is dubbed in one way, in order."""
    return tuple(step for step in STEPS if way in step.ways)


def as_markdown() -> str:
    """The table as docs/steps.md shows it."""
    head = ("step", "what it does", "runs", "needs", "version of", "backend", "s/s", "GPU", "cores")
    rows = [head, tuple("---" for _ in head), *(_row(step) for step in STEPS)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(step: Step) -> tuple[str, ...]:
    runs = ", ".join(_runs(step))
    package = f"`{step.package.replace('.', '/')}`"
    gpu, cores = ("yes" if has else "" for has in (step.gpu, step.cores))
    needs = ", ".join(f"`{name}`" for name in step.needs)
    return f"`{step.name}`", step.does, runs, needs, package, step.section or "", f"{step.weight:g}", gpu, cores


def _runs(step: Step) -> list[str]:
    once = {"title": ["title"], "end": ["title's end"], "branch": []}[step.part]
    return once + (["every language"] if step.ways == _ALWAYS else list(step.ways))


if __name__ == "__main__":
    print(as_markdown(), end="")
