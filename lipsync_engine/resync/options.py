"""How a title is resynchronised, and where that is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lipsync_engine.speech.gestures import Mode


@dataclass(frozen=True, slots=True)
class Options:
    """How to resynchronise.

    Attributes:
        strength: excursion of the mouth from rest, 1 as planned.
        expression: ``"preserve"``, ``"natural"`` or ``"expressive"``.
        lead_ms: how far the visible mouth runs ahead of the sound; ``None``: as in the title where its script tells,
            else 20.
        crf: x264 quality of the picture, lower is better.
        preset: x264 speed.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        measure: track the result again and measure it.
        spans: seconds (start, end) to which the edit is restricted; empty for all.
        preview_s: length of the picture that is written, from its start; ``None`` for all.
        into: an earlier render of the title. Only its key-frame intervals that hold a frame of ``spans`` are rendered
            again; all others are copied from it.
        refine: correct the painted mouths by a small network, taught on the title where none is stored beside the
            analysis, and used only where it wins on held-out frames.
        refine_s: seconds for teaching; ``None``: 180 on a GPU, and no teaching on a CPU (which needs an hour for what
            a GPU does in minutes).
        trust_phones: move the mouth by the phones even where the sound does not bear them out; else it rests there.
        mode: ``"phoneme"``, or ``"syllable"``: one opening a syllable, for cartoons and faces far away.
    """

    strength: float = 1.0
    expression: str = "natural"
    lead_ms: float | None = None
    crf: int = 17
    preset: str = "veryfast"
    device: str = "auto"
    measure: bool = True
    mode: Mode = "phoneme"
    spans: tuple[tuple[float, float], ...] = ()
    preview_s: float | None = None
    into: Path | None = None
    refine: bool = False
    refine_s: float | None = None
    trust_phones: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be done.

        Raises:
            ValueError: a span ends before it starts, a preview of no length, or options that contradict each other.
        """
        for start, end in self.spans:
            if not 0 <= start < end:
                raise ValueError(f"span {start:g}-{end:g}: the start must lie before the end, in seconds from 0")
        if self.preview_s is not None and not self.preview_s > 0:
            raise ValueError(f"a preview needs a length above 0, not {self.preview_s:g} seconds")
        if self.preview_s is not None and (self.into or self.spans):
            raise ValueError("a preview cannot be combined with spans or an earlier render")
        if self.into is not None and not self.spans:
            raise ValueError("an earlier render needs the spans to render again")


def pick_device(wanted: str) -> str:
    """The device that the picture is computed on.

    Raises:
        ValueError: CUDA is asked for and there is none, or an unknown name.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, not {wanted!r}")
    import torch

    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ValueError("there is no CUDA device: use --device auto or cpu")
    return "cuda" if there and wanted != "cpu" else "cpu"
