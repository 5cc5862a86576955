"""`polydub edit`: decide about a line, see its history, take an edit back; `render` and `review` what was edited."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.printed import say, say_json
from flows.terminal.options import Command
from flows.terminal.outcome import EXIT_OK, or_exit, refuse
from tasks.records.errors import BadInputError

app = typer.Typer()
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:[.,]\d{1,3})?)")

_TITLE = typer.Argument(help="a delivered title's folder, such as out/talk")
_LANGUAGE = typer.Argument(help="the dub's language")


def _flag(name: str, text: str) -> Any:
    return typer.Option(f"--{name}/--no-{name}", help=text)


@app.command("edit", rich_help_panel=Command.DUB)
def edit_command(
    title: Annotated[str, _TITLE],
    language: Annotated[str, _LANGUAGE],
    line: Annotated[int | None, typer.Argument(help="number of the line, as `polydub script export` has it")] = None,
    text: Annotated[str | None, typer.Option(help="what is spoken")] = None,
    source: Annotated[str | None, typer.Option(help="what the line says in the source; it is translated again")] = None,
    start: Annotated[str | None, typer.Option(help="where it begins: 12.5 or 1:02:03.500", metavar="TIME")] = None,
    end: Annotated[str | None, typer.Option(help="where it ends", metavar="TIME")] = None,
    speaker: Annotated[str | None, typer.Option(help="who says it")] = None,
    voice: Annotated[str | None, typer.Option(help="the voice that says it, of any speaker")] = None,
    take: Annotated[int | None, typer.Option(help="number of the reading, of a voice that has several", min=1)] = None,
    level: Annotated[float | None, typer.Option(help="louder (or softer: below 0) by so many dB", metavar="DB")] = None,
    pronounce: Annotated[
        list[str] | None, typer.Option(help="WORD=RESPELLING, or WORD=/IPA/", metavar="WORD=SOUND")
    ] = None,
    keep_original: Annotated[bool | None, _flag("keep-original", "the original is heard instead of a dub")] = None,
    mute: Annotated[bool | None, _flag("mute", "nothing is spoken")] = None,
    lock: Annotated[bool | None, typer.Option("--lock/--unlock", help="nothing of it is changed any more")] = None,
    note: Annotated[str | None, typer.Option(help="a note to those who read it")] = None,
    recording: Annotated[
        str | None, typer.Option(help="a recorded take of the line, heard instead of a voice", metavar="FILE")
    ] = None,
    split_at: Annotated[str | None, typer.Option(help="the line becomes two at this time", metavar="TIME")] = None,
    merge_with_next: Annotated[bool, typer.Option("--merge-with-next", help="it takes in the next line")] = False,
    insert: Annotated[
        str | None, typer.Option(help="a new line, with --text or --source: 12.5-14", metavar="FROM-TO")
    ] = None,
    reset: Annotated[
        list[str] | None, typer.Option(help="put back to the machine's: text, start, speaker ...", metavar="FIELD")
    ] = None,
    why: Annotated[str, typer.Option(help="kept with the edit")] = "",
    undo: Annotated[int | None, typer.Option(help="take an edit back, by its number", metavar="N")] = None,
    history: Annotated[bool, typer.Option("--history", help="list every edit, of the line or of all")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what it would change and cost; keep nothing")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False,
) -> None:
    """Decide about a line of a dub; the next `polydub run` of the title makes again what that changes.

    Nothing is overwritten: every edit is kept, with who, when and why, and can be taken back.
    """
    from flows.kept.dub_lines import DubLines

    dub = or_exit(DubLines, Path(title), language)
    if history:
        _show_history(dub, line, as_json)
        raise typer.Exit(EXIT_OK)
    wanted = _Wanted(
        fields={
            "text": text,
            "source": source,
            "start_ms": _time(start),
            "end_ms": _time(end),
            "speaker": speaker,
            "voice": voice,
            "take": take,
            "level_db": level,
            "pronunciation": [_saying(one) for one in pronounce] if pronounce else None,
            "keep": keep_original,
            "mute": mute,
            "recording": or_exit(_recorded, dub, recording) if recording is not None else None,
            "lock": lock,
            "note": note,
        },
        split_ms=_time(split_at),
        merge=merge_with_next,
        insert=_stretch(insert),
        reset=tuple(_FIELD_NAMES.get(one, one) for one in reset or ()),
    )
    if undo is not None:
        if line is not None or wanted.given:
            refuse(BadInputError("--undo stands alone.", "Give title, language and --undo N."))
        _undo(dub, undo, why, dry_run=dry_run, as_json=as_json)
        return
    _edit(dub, line, wanted, why, dry_run=dry_run, as_json=as_json)


@app.command("render", rich_help_panel=Command.DUB)
def render_command(
    title: Annotated[str, _TITLE],
    language: Annotated[str, _LANGUAGE],
    as_json: Annotated[bool, typer.Option("--json", help="print summary.json to stdout")] = False,
) -> None:
    """Dub a delivered title's language again as it was asked for, with the edits since; only what they touch is made.

    The review page's "make" does this.
    """
    from flows.kept.again import as_asked
    from flows.kept.dub_lines import DubLines
    from flows.terminal.outcome import exit_code, show
    from flows.terminal.watch import run_watched

    dub = or_exit(DubLines, Path(title).absolute(), language)
    summaries = run_watched([or_exit(as_asked, dub.folder, dub.language)])
    show(summaries, as_json)
    raise typer.Exit(exit_code(summaries))


@app.command("review", rich_help_panel=Command.DUB)
def review_command(
    what: Annotated[
        str | None, typer.Argument(help="a title's folder, a folder of titles, or a batch; without it, every title")
    ] = None,
    port: Annotated[int | None, typer.Option(help="port of this machine; without it 4201, or a free one")] = None,
    open_it: Annotated[
        bool | None, typer.Option("--open/--no-open", help="in a browser; default: where there is a screen")
    ] = None,
) -> None:
    """Look at dubs, edit their lines and make them again, in a browser on this machine."""
    import os
    import webbrowser

    from flows.review.listed import keys_of
    from flows.review.site import review

    keys = or_exit(keys_of, what) if what else None
    wanted = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) if open_it is None else open_it
    or_exit(review, keys, port, webbrowser.open if wanted else None)


_FIELD_NAMES = {"start": "start_ms", "end": "end_ms", "level": "level_db", "keep-original": "keep"}


@dataclass(frozen=True)
class _Wanted:
    """What was typed; None where an option was not given."""

    fields: dict[str, Any]
    split_ms: int | None = None
    merge: bool = False
    insert: tuple[int, int] | None = None
    reset: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """What is decided on its own."""
        found = {name: value for name, value in self.fields.items() if value is not None}
        shape = {
            "split": self.split_ms,
            "merge": self.merge or None,
            "insert": self.insert,
            "reset": self.reset or None,
        }
        return found | {name: value for name, value in shape.items() if value is not None}


def _edit(dub: Any, line: int | None, wanted: _Wanted, why: str, *, dry_run: bool, as_json: bool) -> None:
    from flows.kept.dub_lines import signature

    if not wanted.given:
        refuse(BadInputError("Nothing to change was given.", "Name it: --text, --start, --voice, --mute, --note ..."))
    row, change = or_exit(_decided, dub, line, wanted)
    edit = or_exit(dub.edit, row, change, signature(why))
    if dry_run:
        _show_cost(dub, (edit,), as_json=as_json)
        return
    (added,) = or_exit(dub.add, (edit,))
    if as_json:
        say_json(added.model_dump(mode="json", exclude_defaults=True))
    else:
        say(f"Edit {added.number} is kept. Run the title again to render it; --undo {added.number} takes it back.")


def _decided(dub: Any, line: int | None, wanted: _Wanted) -> tuple[Any, Any]:
    """The line, and what is decided about it."""
    from flows.kept.dub_lines import changed
    from flows.kept.edit import Insert

    fields = {name: value for name, value in wanted.fields.items() if value is not None}
    if wanted.insert:
        speaks = {name: fields.pop(name) for name in ("text", "source", "speaker") if name in fields}
        start_ms, end_ms = wanted.insert
        if line is not None or fields or wanted.split_ms is not None or wanted.merge or wanted.reset:
            raise BadInputError("--insert takes no line, and only --text, --source and --speaker.")
        change = changed({"insert": {"start_ms": start_ms, "end_ms": end_ms, **speaks}}, "--insert")
        assert isinstance(change.insert, Insert)
        found: tuple[Any, Any] = dub.insert(change.insert)
        return found
    if line is None:
        raise BadInputError("Which line is meant was not said.", "Name its number after the language.")
    row = dub.row(line)
    shape = {}
    if wanted.split_ms is not None and wanted.merge:
        raise BadInputError("A line is split or merged, not both at once.")
    if wanted.split_ms is not None:
        texts = _halves(fields.pop("text", None))
        shape = dub.split(row, wanted.split_ms, texts).model_dump(exclude_defaults=True)
    elif wanted.merge:
        shape = dub.merge(row).model_dump(exclude_defaults=True)
    fields = dub.locking(row, fields)
    return row, changed({**fields, **shape, "reset": wanted.reset}, f"line {line}")


def _undo(dub: Any, number: int, why: str, *, dry_run: bool, as_json: bool) -> None:
    from flows.kept.dub_lines import signature

    if dry_run:
        _show_cost(dub, (or_exit(dub.undoing, number, signature(why)),), as_json=as_json)
        return
    added = or_exit(dub.undo, number, signature(why))
    if as_json:
        say_json(added.model_dump(mode="json", exclude_defaults=True))
    else:
        say(f"Edit {number} is taken back (edit {added.number}). Run the title again to render it.")


def _show_cost(dub: Any, edits: tuple[Any, ...], *, as_json: bool) -> None:
    from flows.kept.edit_cost import cost_of

    cost = cost_of(dub, or_exit(dub.tried, edits))
    if as_json:
        say_json(cost.as_json())
    else:
        say(f"{cost} Nothing is kept.")


def _show_history(dub: Any, line: int | None, as_json: bool) -> None:
    from flows.kept.dub_lines import undone_by
    from flows.kept.edit import in_words

    records = or_exit(dub.history, line)
    undone = undone_by(dub.edits.records)
    if as_json:
        say_json(
            [
                {**edit.model_dump(mode="json", exclude_defaults=True), "undone_by": undone.get(edit.number, 0)}
                for edit in records
            ]
        )
        return
    for edit in records:
        back = f" (taken back by edit {undone[edit.number]})" if edit.number in undone else ""
        why = f": {edit.why}" if edit.why else ""
        say(f"{edit.number:4}  {edit.when or 'earlier'}  {edit.who or '-'}  {in_words(edit)}{why}{back}")
    for note in dub.applied.notes:
        say(f"note: {note}", err=True)


def _recorded(dub: Any, file: str) -> str:
    """The name of a recorded take, which is kept."""
    from tasks.synthesize.recorded import keep_recording

    try:
        sound = Path(file).expanduser().read_bytes()
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}.", "Name a WAV, FLAC or M4A.") from error
    name, _ = keep_recording(dub.store, sound)
    return name


def _time(typed: str | None) -> int | None:
    """Milliseconds of a time such as 12.5, 1:02.5 or 1:02:03,500."""
    if typed is None:
        return None
    found = _CLOCK.fullmatch(typed.strip())
    if found is None or len(typed) > 40:
        refuse(BadInputError(f"{typed!r} is not a time.", "Write seconds (12.5) or 1:02:03.500."))
    hours, minutes, seconds = found.groups()
    return round(((int(hours or 0) * 60 + int(minutes or 0)) * 60 + float(seconds.replace(",", "."))) * 1000)


def _stretch(typed: str | None) -> tuple[int, int] | None:
    if typed is None:
        return None
    start, dash, end = typed.partition("-")
    if not dash:
        refuse(BadInputError(f"{typed!r} is not FROM-TO.", "Write it as 12.5-14."))
    first, last = _time(start), _time(end)
    assert first is not None
    assert last is not None
    return first, last


def _saying(typed: str) -> dict[str, str]:
    word, equals, sound = typed.partition("=")
    if not equals or not word.strip() or not sound.strip():
        refuse(BadInputError(f"--pronounce {typed!r} is not WORD=SOUND.", "Write Jordi=siátel, or Jordi=/ˈʒɔɾdi/."))
    is_ipa = len(sound) > 2 and sound[0] == sound[-1] == "/"
    return {"word": word.strip(), "ipa": sound[1:-1]} if is_ipa else {"word": word.strip(), "say": sound.strip()}


def _halves(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    first, bar, second = text.partition("|")
    if not bar:
        refuse(BadInputError("With --split-at, --text has both texts.", 'Write --text "first | second".'))
    return first.strip(), second.strip()
