"""The `polydub` command. Imports stay inside the commands: `polydub --help` must not wait for Prefect or torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.printed import say, say_json
from flows.service.login import log_in
from flows.terminal import store_copies, store_prune  # noqa: F401
from flows.terminal.approve import app as approve_app
from flows.terminal.batch import app as batch_app
from flows.terminal.edit_line import app as edit_app
from flows.terminal.models import app as models_app
from flows.terminal.options import AsJson, Changes, Command, DryRun, Group, Out, Preview, Profile, option, with_changes
from flows.terminal.outcome import EXIT_NOTHING, exit_code, or_exit, refuse, show, show_plan, write_whole
from flows.terminal.store import app as store_app
from flows.terminal.tokens import app as tokens_app
from flows.terminal.verify import app as verify_app
from flows.terminal.verify import keys_app
from tasks.records.errors import BadInputError

app = typer.Typer(
    name="polydub",
    help="Dub every video into every language, overnight, and trust the result.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
script_app = typer.Typer(help="Export a dub's script for editing, and import it again.", no_args_is_help=True)
app.add_typer(script_app, name="script", rich_help_panel=Command.DUB)
app.add_typer(edit_app)
app.add_typer(approve_app)
app.add_typer(batch_app)
app.add_typer(verify_app)
app.add_typer(keys_app, name="keys", rich_help_panel=Command.INSTALLATION)
app.add_typer(models_app, name="models", rich_help_panel=Command.INSTALLATION)
app.add_typer(tokens_app, name="tokens", rich_help_panel=Command.SERVER)
app.add_typer(store_app, name="store", rich_help_panel=Command.INSTALLATION)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"polydub {version('polydub')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="print the version, and nothing else", callback=_print_version, is_eager=True)
]


@app.callback()
def polydub(version: Version = False) -> None:
    """Dub every video into every language, overnight, and trust the result."""


lipsync_app = typer.Typer(help="The lip-sync systems that Polydub can run.", no_args_is_help=True)
app.add_typer(lipsync_app, name="lipsync", rich_help_panel=Command.INSTALLATION)


@app.command("run", rich_help_panel=Command.DUB)
@with_changes
def run_command(
    videos: Annotated[list[str], typer.Argument(help="video files", metavar="VIDEO")],
    to: Annotated[
        list[str],
        option(Group.LANGUAGES, "--to", text="languages by tag or name: es,fr or Spanish", metavar="LANGUAGES"),
    ],
    changes: Changes,
    source: Annotated[
        str | None, option(Group.LANGUAGES, "--from", text="language spoken in the videos", metavar="LANGUAGE")
    ] = None,
    subtitles: Annotated[
        str | None, option(Group.LANGUAGES, "--subtitles", text="the spoken words: .srt .vtt .ass .ttml or .json")
    ] = None,
    dub: Annotated[
        list[str] | None,
        option(Group.VOICES, "--dub", text="a recorded dub: es=FILE.wav", metavar="LANGUAGE=FILE"),
    ] = None,
    translation: Annotated[
        list[str] | None,
        option(
            Group.LANGUAGES,
            "--translation",
            text="your own translation, spoken word for word: es=FILE.srt (.vtt .ass .ttml .json .xlf .csv .xlsx)",
            metavar="LANGUAGE=FILE",
        ),
    ] = None,
    bed: Annotated[
        str | None, option(Group.SOUND, "--bed", text="the client's music and effects, without dialogue")
    ] = None,
    from_master: Annotated[
        bool, option(Group.RUN, "--from-master", text="take masters that Polydub made as sources")
    ] = False,
    profile: Profile = "offline",
    out: Out = "out",
    preview: Preview = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Dub videos into languages."""
    from flows.ask.plan import Request
    from flows.ask.stretch import typed
    from flows.kept.masters import refuse_masters

    if not from_master:
        or_exit(refuse_masters, videos)
    stretch = or_exit(typed, preview)
    request = Request(
        videos=videos,
        languages=to,
        out=out,
        profile=profile,
        overrides=changes.settings(),
        source_language=source,
        subtitles=subtitles,
        bed=bed,
        dubs=_pairs(dub or [], "--dub es=talk_es.wav"),
        translations=_pairs(translation or [], "--translation es=talk.es.srt"),
        preview_s=stretch.seconds,
        preview_from_s=stretch.start_s,
    )
    if dry_run:
        from flows.ask.plan import plan

        raise typer.Exit(show_plan(or_exit(plan, request), as_json))
    raise typer.Exit(exit_code(_run([request], as_json)))


@app.command(rich_help_panel=Command.DUB)
def demo(
    video: Annotated[str | None, typer.Argument(help="your own video; without it, a title made on the spot")] = None,
    to: Annotated[str, typer.Option("--to", help="languages by tag or name")] = "es,fr",
    profile: Profile = "offline",
    out: Out = "demo",
) -> None:
    """Dub a demo title, or your own clip, and show where the result is."""
    from flows.ask.plan import Request
    from flows.demo.picture import show_demo
    from flows.kept.masters import refuse_masters

    or_exit(refuse_masters, [video] if video else [])
    title = video or str(or_exit(_demo_title, Path(out)))
    summaries = _run([Request(videos=[title], languages=[to], out=out, profile=profile)], as_json=False)
    or_exit(show_demo, Path(out), summaries, title)
    raise typer.Exit(exit_code(summaries))


@script_app.command("export")
def script_export(
    title: Annotated[str, typer.Argument(help="a delivered title's folder, such as out/talk")],
    language: Annotated[str, typer.Option(help="the dub's language")],
    file: Annotated[str, typer.Option("--file", help="where to write; - for stdout")] = "-",
    form: Annotated[str | None, typer.Option("--format", help="of the file; else by its ending")] = None,
) -> None:
    """Write a dub's lines for editing: .json .csv .xlsx .srt .vtt .xlf (XLIFF 2.1), .ttml (DAPT) or .tmx (TMX 1.4)."""
    from flows.exchange.formats import format_of
    from flows.terminal.edit import export_script

    content, notes = or_exit(export_script, Path(title), language, or_exit(format_of, file, form))
    for note in notes:
        say(f"note: {note}", err=True)
    if file == "-":
        sys.stdout.buffer.write(content)
    else:
        or_exit(write_whole, Path(file), content)


@script_app.command("import")
def script_import(
    title: Annotated[str, typer.Argument(help="a delivered title's folder, such as out/talk")],
    language: Annotated[str, typer.Option(help="the dub's language")],
    file: Annotated[str, typer.Option("--file", help="the edited script")],
    why: Annotated[str, typer.Option(help="kept with the edits")] = "",
    form: Annotated[str | None, typer.Option("--format", help="of the file; else by its ending")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would change")] = False,
) -> None:
    """Take edited lines over; the next `polydub run` of the title re-makes only what they change.

    Everything that the file changes is taken, or refused by line and field. A text of null, or the machine's own
    again, takes an edit back.
    """
    from flows.terminal.edit import import_script

    done = or_exit(import_script, Path(title), language, Path(file), why, form, dry=dry_run)
    for change in done.changes:
        say(change)
    then = "Nothing is kept." if dry_run else "Run the title again to render them."
    say(f"{done.edited} lines edited, {done.taken_back} edits taken back. {then}")
    for note in done.notes:
        say(f"note: {note}", err=True)


@app.command("glossary", rich_help_panel=Command.DUB)
def glossary_command(
    source: Annotated[str, typer.Argument(help="a glossary: .yaml, .csv or .tbx", metavar="IN")],
    out: Annotated[str, typer.Argument(help="where to write it: .yaml, .csv or .tbx", metavar="OUT")],
) -> None:
    """Write a glossary as another kind of file: TBX is what terminology tools exchange."""
    from tasks.translate.glossary import read_glossary, write_glossary

    glossary = or_exit(read_glossary, Path(source))
    or_exit(write_whole, Path(out), or_exit(write_glossary, glossary, Path(out)))
    say(f"{out}: {len(glossary.terms)} terms, {len(glossary.keep)} names that stay")


@lipsync_app.command("list")
def lipsync_list(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show every lip-sync system: what it takes, its limits, price, licence and needs, whether it can be used now."""
    from dataclasses import asdict

    from flows.terminal.lipsync_table import show
    from tasks.lipsync.listing import systems

    found = systems()
    if as_json:
        say_json([asdict(one) for one in found])
    else:
        show(found)


@app.command(rich_help_panel=Command.DUB)
def report(
    folder: Annotated[str, typer.Argument(help="a delivered title's folder")],
    packed: Annotated[
        bool, typer.Option("--zip", help="pack the pages with small films, as NAME-report.zip beside the folder")
    ] = False,
) -> None:
    """Name a delivered title's masters and report pages, or pack the pages to be mailed."""
    from flows.terminal.report_zip import pack
    from flows.terminal.summary_table import show_folder

    if packed:
        say(str(or_exit(pack, Path(folder))))
        return
    or_exit(show_folder, Path(folder))


@app.command(rich_help_panel=Command.INSTALLATION)
def doctor(
    profile: Annotated[str | None, typer.Option("--profile", help="only this profile")] = None,
    to: Annotated[list[str] | None, typer.Option("--to", help="whether these languages can be dubbed")] = None,
    source: Annotated[str | None, typer.Option("--from", help="from titles in this language")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Say what is installed, what each profile lacks, and how to get it; exit code 1 where nothing can be dubbed."""
    from flows.terminal.doctor import examine, show

    found = or_exit(examine, profile, source, to or ())
    if as_json:
        say_json(found)
    else:
        show(found)
    if not found["ready"]:
        raise typer.Exit(EXIT_NOTHING)


@app.command(rich_help_panel=Command.INSTALLATION)
def licences(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the licences of all installed code; exit code 1 where one is not known."""
    from dataclasses import asdict

    from flows.terminal.licences import installed, show

    found = installed()
    if as_json:
        say_json([asdict(one) for one in found])
    else:
        show(found)
    if not all(one.known for one in found):
        raise typer.Exit(EXIT_NOTHING)


@app.command(rich_help_panel=Command.SERVER)
def up(
    port: Annotated[int, typer.Option(help="port of the Prefect server")] = 4200,
) -> None:
    """Start a Prefect server, the deployments, a worker and `polydub serve` on this machine, bound to loopback."""
    from flows.service.serve import serve

    or_exit(serve, port)


@app.command(rich_help_panel=Command.FOLLOW)
def serve(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 4201,
) -> None:
    """Show delivered titles in a browser: reports and masters, by links that mails and the dashboard have too."""
    from flows.review.site import serve as serve_review

    or_exit(serve_review, host, port)


@app.command(rich_help_panel=Command.SERVER)
def server(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 4200,
    services: Annotated[bool, typer.Option("--services/--no-services", help="background services too")] = True,
) -> None:
    """Run the Prefect server alone, with a password, for its own pages and clients."""
    from flows.service.own_origin import serve

    or_exit(serve, host, port, services)


@app.command(rich_help_panel=Command.SERVER)
def deploy(
    cron: Annotated[str | None, typer.Option(help='when to run nightly, such as "0 1 * * *"')] = None,
    timezone: Annotated[str, typer.Option(help="of --cron, such as Europe/Paris")] = "UTC",
    manifest: Annotated[str | None, typer.Option(help="the nightly manifest")] = None,
    profile: Profile = "offline",
    out: Out = "out",
    limits: Annotated[str | None, typer.Option(help="a .yaml file: steps at once by GPU, cores, provider")] = None,
    gpu: Annotated[
        bool | None, typer.Option("--gpu/--no-gpu", help="make the GPU pool; default: if one is here")
    ] = None,
) -> None:
    """Register the flows with the Prefect server at PREFECT_API_URL, and schedule a nightly manifest."""
    from flows.service.deploy import Nightly, register

    if bool(cron) != bool(manifest):
        refuse(BadInputError("A schedule needs both --cron and --manifest.", "Give both, or neither."))
    nightly = Nightly(cron, manifest, timezone, profile, out) if cron and manifest else None
    for line in or_exit(register, nightly, limits, gpu).lines():
        say(line)


@app.command(rich_help_panel=Command.SERVER)
def pause() -> None:
    """Stop the nightly schedule until `polydub resume`; a batch that runs goes on."""
    _set_active(False)


@app.command(rich_help_panel=Command.SERVER)
def resume() -> None:
    """Let the nightly schedule run again."""
    _set_active(True)


def main() -> None:
    """Entry point."""
    log_in()
    try:
        app()
    except BrokenPipeError:
        sys.exit(EXIT_NOTHING)


def _run(requests: Sequence[Any], as_json: bool) -> list[dict[str, Any]]:
    from flows.ask.naming import taken
    from flows.ask.plan import plan
    from flows.terminal.watch import run_watched

    runs = or_exit(taken, [run for request in requests for run in or_exit(plan, request)])
    summaries = run_watched(runs)
    show(summaries, as_json)
    return summaries


def _set_active(active: bool) -> None:
    from flows.service.deploy import set_active

    for schedule in or_exit(set_active, active):
        say(f"{'Active' if active else 'Paused'}: {schedule}")


def _demo_title(folder: Path) -> Path:
    from flows.demo.picture import make_title

    return make_title(folder)


def _pairs(given: Sequence[str], example: str) -> dict[str, str]:
    pairs = {}
    for text in given:
        language, equals, file = text.partition("=")
        if not equals or not language or not file:
            name = example.partition(" ")[0]
            refuse(BadInputError(f"{name} {text!r} is not LANGUAGE=FILE.", f"Write it as {example}."))
        pairs[language] = file
    return pairs


if __name__ == "__main__":
    main()
