"""The `polydub` command. Imports stay inside the commands: `polydub --help` must not wait for Prefect or torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from tasks.errors import BadInputError, PolydubError

app = typer.Typer(
    name="polydub",
    help="Dub every video into every language, overnight, and trust the result.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
script_app = typer.Typer(help="Take a dub's script out for editing, and put it back.", no_args_is_help=True)
app.add_typer(script_app, name="script")

EXIT_OK, EXIT_NOTHING, EXIT_BAD_INPUT, EXIT_PARTIAL = 0, 1, 2, 3

Profile = Annotated[str, typer.Option("--profile", help="offline, studio, commercial, fake, or a .yaml file")]
Out = Annotated[str, typer.Option("--out", help="folder for the deliverables")]
AsJson = Annotated[bool, typer.Option("--json", help="print summary.json to stdout")]
Lipsync = Annotated[str | None, typer.Option("--lipsync", help="native, none, or another lip-sync backend")]
Voices = Annotated[str | None, typer.Option("--voices", help="a .yaml file that remembers the series' voices")]
Lexicon = Annotated[str | None, typer.Option("--lexicon", help="a .yaml file of words and how they are pronounced")]
Glossary = Annotated[str | None, typer.Option("--glossary", help="a .yaml or .csv file of names and terms")]
Address = Annotated[str | None, typer.Option("--formality", help="default, formal or informal")]
LoudnessName = Annotated[str | None, typer.Option("--loudness", help="r128, a85, netflix, streaming or podcast")]


@app.command("run")
def run_command(
    videos: Annotated[list[str], typer.Argument(help="video files", metavar="VIDEO...")],
    to: Annotated[list[str], typer.Option("--to", help="languages, BCP-47: es,fr")],
    source: Annotated[str | None, typer.Option("--from", help="language spoken in the videos")] = None,
    profile: Profile = "offline",
    subtitles: Annotated[str | None, typer.Option(help="the spoken words: .srt .vtt .ass or .json")] = None,
    dub: Annotated[list[str] | None, typer.Option("--dub", help="a recorded dub: es=FILE.wav")] = None,
    bed: Annotated[str | None, typer.Option(help="the client's music and effects, without dialogue")] = None,
    lipsync: Lipsync = None,
    loudness: LoudnessName = None,
    voices: Voices = None,
    lexicon: Lexicon = None,
    glossary: Glossary = None,
    formality: Address = None,
    realign: Annotated[bool, typer.Option("--realign", help="move the subtitles to where the speech is")] = False,
    out: Out = "out",
    preview: Annotated[float, typer.Option(help="only the first SECONDS", min=0.0)] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Dub videos into languages."""
    from flows.plan import Request

    _finish(
        [
            Request(
                videos=videos,
                languages=to,
                out=out,
                profile=profile,
                overrides=_overrides(lipsync, loudness, voices, lexicon, realign, glossary, formality),
                source_language=source,
                subtitles=subtitles,
                bed=bed,
                dubs=_pairs(dub or []),
                preview_s=preview,
            )
        ],
        as_json,
    )


@app.command()
def demo(
    video: Annotated[str | None, typer.Argument(help="your own video; without it, a title made on the spot")] = None,
    to: Annotated[str, typer.Option("--to")] = "es,fr",
    profile: Profile = "offline",
    out: Out = "demo",
) -> None:
    """Dub a demo title, or your own clip, and show where the result is."""
    from flows.demo import show_demo
    from flows.plan import Request

    title = video or str(_or_exit(_demo_title, Path(out)))
    summaries = _run([Request(videos=[title], languages=[to], out=out, profile=profile)], as_json=False)
    _or_exit(show_demo, Path(out), summaries, title)
    raise typer.Exit(_exit_code(summaries))


@app.command()
def batch(
    manifest: Annotated[str, typer.Argument(help=".csv .xlsx .parquet or .yaml with columns title and languages")],
    profile: Profile = "offline",
    lipsync: Lipsync = None,
    loudness: LoudnessName = None,
    voices: Voices = None,
    lexicon: Lexicon = None,
    glossary: Glossary = None,
    formality: Address = None,
    out: Out = "out",
    as_json: AsJson = False,
) -> None:
    """Dub every title of a manifest; a title or language that fails leaves the others alone."""
    from flows.batches import new_batch, run_batch

    overrides = _overrides(lipsync, loudness, voices, lexicon, glossary=glossary, formality=formality)
    requests = _or_exit(_manifest_requests, manifest, profile, overrides, out)
    kept = _or_exit(new_batch, manifest, requests)
    _report(_or_exit(run_batch, kept), as_json)


@app.command()
def status(batch_id: Annotated[str | None, typer.Argument(help="a batch; without it, the latest")] = None) -> None:
    """Show how the titles and languages of a batch stand."""
    from flows.batches import show_status

    _or_exit(show_status, batch_id)


@app.command()
def retry(
    batch_id: Annotated[str | None, typer.Argument(help="a batch; without it, the latest")] = None,
    language: Annotated[str | None, typer.Option(help="only this language")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a batch's failed branches again, each from its first missing result."""
    from flows.batches import retry_batch

    _report(_or_exit(retry_batch, batch_id, language), as_json)


@script_app.command("export")
def script_export(
    title: Annotated[str, typer.Argument(help="a delivered title's folder, such as out/talk")],
    language: Annotated[str, typer.Option(help="the dub's language")],
    file: Annotated[str, typer.Option("--file", help="where to write; - for stdout")] = "-",
) -> None:
    """Write a dub's script as a table of lines (JSON) for editing."""
    from flows.edit import export_script

    text = _or_exit(export_script, Path(title), language)
    if file == "-":
        typer.echo(text)
    else:
        Path(file).write_text(text + "\n", "utf-8")


@script_app.command("import")
def script_import(
    title: Annotated[str, typer.Argument(help="a delivered title's folder, such as out/talk")],
    language: Annotated[str, typer.Option(help="the dub's language")],
    file: Annotated[str, typer.Option("--file", help="the edited script")],
) -> None:
    """Take edited lines over; the next `polydub run` of the title re-makes only what they change."""
    from flows.edit import import_script

    changed = _or_exit(import_script, Path(title), language, Path(file))
    typer.echo(f"{changed} lines edited. Run the title again to render them.")


@app.command()
def report(folder: Annotated[str, typer.Argument(help="a delivered title's folder")]) -> None:
    """Name a delivered title's masters and report pages."""
    from flows.summary_table import show_folder

    _or_exit(show_folder, Path(folder))


@app.command()
def doctor(
    profile: Annotated[str | None, typer.Option("--profile", help="only this profile")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Say what is installed, what each profile lacks, and how to get it."""
    from flows.doctor import examine, show

    found = _or_exit(examine, profile)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        show(found)
    if profile and found["profiles"][0]["missing"]:
        raise typer.Exit(EXIT_NOTHING)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="of the Prefect server")] = 4200,
) -> None:
    """Start a Prefect server, the deployments and a worker on this machine, bound to loopback."""
    from flows.serve import serve

    _or_exit(serve, port)


@app.command()
def deploy(
    cron: Annotated[str | None, typer.Option(help='when to run nightly, such as "0 1 * * *"')] = None,
    manifest: Annotated[str | None, typer.Option(help="the nightly manifest")] = None,
) -> None:
    """Register the flows with the Prefect server at PREFECT_API_URL."""
    from flows.serve import register

    _or_exit(register, cron, manifest)


def main() -> None:
    """Entry point."""
    try:
        app()
    except BrokenPipeError:
        sys.exit(EXIT_NOTHING)


def _finish(requests: Sequence[Any], as_json: bool) -> NoReturn:
    raise typer.Exit(_exit_code(_run(requests, as_json)))


def _run(requests: Sequence[Any], as_json: bool) -> list[dict[str, Any]]:
    from flows.plan import plan
    from flows.watch import run_watched

    runs = [run for request in requests for run in _or_exit(plan, request)]
    summaries = run_watched(runs)
    _show(summaries, as_json)
    return summaries


def _report(summaries: list[dict[str, Any]], as_json: bool) -> NoReturn:
    _show(summaries, as_json)
    raise typer.Exit(_exit_code(summaries))


def _show(summaries: list[dict[str, Any]], as_json: bool) -> None:
    from flows.summary_table import show_summaries

    if as_json:
        typer.echo(json.dumps(summaries[0] if len(summaries) == 1 else summaries, indent=2, ensure_ascii=False))
    show_summaries(summaries)


def _exit_code(summaries: Sequence[dict[str, Any]]) -> int:
    delivered = sum(summary["delivered"] for summary in summaries)
    failed = sum(summary["failed"] or summary["state"] == "failed" or bool(summary["error"]) for summary in summaries)
    if not delivered:
        return EXIT_NOTHING
    return EXIT_PARTIAL if failed else EXIT_OK


def _demo_title(folder: Path) -> Path:
    from flows.demo import make_title

    return make_title(folder)


def _manifest_requests(manifest: str, profile: str, overrides: dict[str, Any], out: str) -> list[Any]:
    from flows.manifest import read_manifest

    return read_manifest(Path(manifest), profile, overrides, out)


def _overrides(
    lipsync: str | None,
    loudness: str | None,
    voices: str | None = None,
    lexicon: str | None = None,
    realign: bool = False,
    glossary: str | None = None,
    formality: str | None = None,
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if lipsync:
        values["lipsync"] = {"backend": lipsync}
    if loudness:
        values["loudness"] = loudness
    if voices:
        values["voices"] = str(Path(voices).expanduser().absolute())
    if lexicon:
        values["synthesize"] = {"lexicon": str(Path(lexicon).expanduser().absolute())}
    if realign:
        values["realign"] = True
    if glossary:
        values["translate"] = {"glossary": str(Path(glossary).expanduser().absolute())}
    if formality:
        values["translate"] = {**values.get("translate", {}), "formality": formality}
    return values


def _pairs(dubs: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in dubs:
        language, equals, file = text.partition("=")
        if not equals or not language or not file:
            _refuse(BadInputError(f"--dub {text!r} is not LANGUAGE=FILE.", "Write it as --dub es=talk_es.wav."))
        pairs[language] = file
    return pairs


def _or_exit(function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except PolydubError as error:
        _refuse(error)


def _refuse(error: PolydubError) -> NoReturn:
    typer.echo(f"polydub: {error.what}", err=True)
    if error.fix:
        typer.echo(f"         {error.fix}", err=True)
    sys.exit(EXIT_BAD_INPUT if isinstance(error, BadInputError) else EXIT_NOTHING)


if __name__ == "__main__":
    main()
