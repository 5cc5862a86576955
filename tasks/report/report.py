"""``report.html``: everything a reviewer needs on one page that works from the disk, without a network."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from configs.languages import display_name
from tasks.keep.staging import staged
from tasks.records.script import Line, Script
from tasks.records.take import Placement
from tasks.report.heard import WORDS, said_and_heard
from tasks.report.inputs import ReportInputs
from tasks.report.plots import LANE, WIDTH, clock, strips
from tasks.report.wording import by_urgency, bypass_rows, gate_row, lipsync_rows

#: In a title's folder, where the review server shows the source, which lies elsewhere; on a disk there is no such file.
SOURCE = "@source"
_FIT = {"natural": "as spoken", "stretched": "stretched", "borrowed": "uses the pause", "overlong": "too long"}


def write_report(out: Path, inputs: ReportInputs) -> None:
    """Write the page. Same inputs, same bytes: it carries no date.

    Args:
        out: the HTML file; relative paths in `inputs` are relative to its folder.
        inputs: what to show. All text is escaped, and the page's policy runs no script but its own.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tasks.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _asset("report.js")
    page = environment.get_template("report.html.j2").render(
        **_view(inputs),
        css=Markup(_asset("report.css")),
        js=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    with staged(out) as part:
        part.write_bytes(page.encode("utf-8", "replace"))


def _asset(name: str) -> str:
    return files("tasks.report").joinpath(name).read_text("utf-8")


def _view(inputs: ReportInputs) -> dict[str, Any]:
    lipsync = dict(inputs.qc["lipsync"])
    gates = [gate_row(gate) for gate in by_urgency(inputs.qc["gates"])]
    return {
        "inputs": inputs,
        "state": inputs.qc["state"],
        "source_name": display_name(inputs.source.language),
        "dub_name": display_name(inputs.dub.language),
        "length": clock(inputs.duration_ms),
        "gates": [gate for gate in gates if gate["status"] != "pass"],
        "passed": [gate for gate in gates if gate["status"] == "pass"],
        "counts": Counter(gate["status"] for gate in gates),
        "source_places": _source_places(inputs),
        "dub_places": [link(path) for path in (inputs.dub_media,) if path],
        "absent": _absent(inputs),
        "files": [(label, link(path)) for label, path in inputs.files],
        "rows": _rows(inputs),
        "changes": [
            {**change.model_dump(), "time": clock(max(0, change.start_ms))}
            for change in sorted(inputs.source.changes, key=lambda change: change.start_ms)
        ],
        "starts": {line.id: line.start_ms for line in inputs.source.lines},
        "fits": _FIT,
        "marks": WORDS,
        "listened": any("heard" in row for row in inputs.qc["per_line"]),
        "strips": strips(
            inputs.source, inputs.placements, inputs.duration_ms, inputs.original_dialogue, inputs.dialogue
        ),
        "plot": {"width": WIDTH, "lane": LANE},
        "lipsync": lipsync_rows(lipsync),
        "bypassed": bypass_rows(lipsync),
        "loudness": _loudness(dict(inputs.qc["loudness"])),
    }


def _source_places(inputs: ReportInputs) -> list[str]:
    """Where the page looks for the source, one after another; the last is the review server's."""
    places = [path for path in (inputs.source_media, inputs.source_or_else) if path]
    return [link(path) for path in (*places, f"../{SOURCE}")] if places else []


def _absent(inputs: ReportInputs) -> dict[str, str]:
    """The message in place of a player whose file is missing."""
    whole = "Keep this page in its delivered folder."
    source = inputs.source_media
    was = f"it was {source}" if source.startswith("/") else f"it belongs at {source}, seen from this page"
    return {
        "source": f"The source is not beside this page: {was}. {whole}",
        "dub": f"The master is not beside this page: it belongs at {inputs.dub_media}, seen from this page. {whole}",
    }


def link(path: str) -> str:
    """A path as a relative (or ``file:``) URL, what means something in a URL escaped; empty stays empty."""
    if not path:
        return ""
    quoted = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return f"file://{quoted}" if path.startswith("/") else f"./{quoted}"


def _rows(inputs: ReportInputs) -> list[dict[str, Any]]:
    dubbed: dict[int, Line] = {line.id: line for line in inputs.dub.lines}
    laid: dict[int, Placement] = {placement.line: placement for placement in inputs.placements}
    measured = {row["line"]: row for row in inputs.qc["per_line"]}
    spoken = [
        _row(line, dubbed.get(line.id), laid.get(line.id), measured.get(line.id, {}))
        for line in inputs.source.lines
        if not _stays(line, inputs.dub)
    ]
    kept = [_kept_row(**one) for one in inputs.qc["kept"]]
    return sorted([*spoken, *kept], key=lambda row: int(row["start_ms"]))


def _stays(line: Line, dub: Script) -> bool:
    """Whether the original of a line is heard in the dub, in place of another."""
    return any((one.start_ms, one.end_ms, one.text) == (line.start_ms, line.end_ms, line.text) for one in dub.kept)


def _kept_row(start_ms: int, end_ms: int, text: str) -> dict[str, Any]:
    """A song, a line or a sound outside speech, whose original is heard in the dub."""
    return {
        "id": "",
        "start_ms": start_ms,
        "end_ms": end_ms,
        "time": clock(start_ms),
        "speaker": "",
        "source": text or "(sound)",
        "words": said_and_heard("", {}),
        "slot": f"{(end_ms - start_ms) / 1000:.2f}",
        "natural": "—",
        "stretch": "—",
        "fit": "kept",
        "fit_word": "original kept",
    }


def _row(line: Line, dub: Line | None, laid: Placement | None, measured: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": line.id,
        "start_ms": line.start_ms,
        "end_ms": max(line.end_ms, laid.end_ms if laid else 0),
        "time": clock(line.start_ms),
        "speaker": line.speaker,
        "source": line.text,
        "words": said_and_heard(dub.text if dub else "", measured),
        "slot": f"{(laid.slot_ms if laid else line.end_ms - line.start_ms) / 1000:.2f}",
        "natural": f"{laid.natural_ms / 1000:.2f}" if laid else "—",
        "stretch": f"{laid.stretch:.2f}×" if laid else "—",
        "fit": laid.fit if laid else "none",
        "fit_word": _FIT[laid.fit] if laid else "not spoken",
    }


def _loudness(facts: dict[str, Any]) -> dict[str, Any]:
    """The loudness figures, and a scale of the target's tolerance three times over as percentages of its width."""
    span = 6 * facts["tolerance_lu"]
    left = facts["target"] - span / 2
    measured = facts["integrated_lufs"]
    mark = None if measured is None else round(min(100.0, max(0.0, (measured - left) / span * 100)), 1)
    return {**facts, "mark": mark}
