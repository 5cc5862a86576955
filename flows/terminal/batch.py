"""The commands of `polydub` for batches. Imports stay inside the commands, as in `flows.cli`."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from flows.printed import say, say_json
from flows.terminal.options import (
    AsJson,
    Changes,
    Command,
    Deployed,
    DryRun,
    GpuMinutes,
    Hours,
    Jobs,
    Out,
    Preview,
    Profile,
    Until,
    Usd,
    jobs_of,
    with_changes,
)
from flows.terminal.outcome import exit_code, or_exit, report, show_json, show_plan
from tasks.records.errors import BadInputError

if TYPE_CHECKING:  # what a title is takes half a second to load
    from tasks.records.title import Run

app = typer.Typer()

BatchId = Annotated[str | None, typer.Argument(help="name of a batch (default: the latest)", metavar="BATCH")]


@app.command(rich_help_panel=Command.DUB)
@with_changes
def batch(
    manifest: Annotated[
        str,
        typer.Argument(help=".csv, .xlsx, .parquet or .yaml file with columns title and languages", metavar="MANIFEST"),
    ],
    changes: Changes,
    profile: Profile = "offline",
    out: Out = "out",
    preview: Preview = "",
    until: Until = None,
    hours: Hours = None,
    gpu_minutes: GpuMinutes = None,
    usd: Usd = None,
    deployed: Deployed = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Dub every title of a manifest; a failed title or language does not affect the others."""
    from flows.ask.plan import checked_profile
    from flows.ask.stretch import typed
    from flows.night.batches import new_batch
    from flows.night.manifest import Defaults, read_manifest
    from flows.service.deploy import require_deployments
    from flows.terminal.watch import row_of, run_batch

    settings = changes.settings()
    chosen = or_exit(checked_profile, profile, settings)
    stretch = or_exit(typed, preview)
    defaults = Defaults(profile, settings, out, stretch.seconds, preview_from_s=stretch.start_s)
    requests = or_exit(read_manifest, Path(manifest), defaults)
    if deployed and not dry_run:
        or_exit(require_deployments)
    budget = or_exit(_budget, chosen.budget, until, hours, gpu_minutes, usd)
    kept, runs = or_exit(new_batch, Path(manifest).stem, requests, chosen, out, budget, keep=not dry_run)
    if dry_run:
        raise typer.Exit(show_plan(runs, as_json, row_of=row_of(kept)))
    _report(kept, or_exit(run_batch, kept, runs, deployed=deployed), as_json)


@app.command(rich_help_panel=Command.FOLLOW)
def status(batch_id: BatchId = None, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Show the status of a batch: its titles and languages, what is running, and the expected end."""
    from flows.night.status import status_of
    from flows.terminal.status import show_status

    found = or_exit(status_of, batch_id)
    if as_json:
        say_json(found)
    else:
        show_status(found)


@app.command(rich_help_panel=Command.FOLLOW)
def retry(
    batch_id: BatchId = None,
    language: Annotated[str | None, typer.Option(help="only this language", metavar="LANGUAGE")] = None,
    force: Annotated[bool, typer.Option("--force", help="include branches that are set aside")] = False,
    until: Until = None,
    hours: Hours = None,
    gpu_minutes: GpuMinutes = None,
    usd: Usd = None,
    jobs: Jobs = None,
    deployed: Deployed = False,
    as_json: AsJson = False,
) -> None:
    """Run a batch's unfinished branches again, each from its first missing result."""
    from flows.night.batches import keep_batch, load_batch, runs_of, unfinished
    from flows.service.deploy import require_deployments
    from flows.terminal.watch import finished_summaries, run_batch

    kept = or_exit(load_batch, batch_id)
    kept = kept.model_copy(update={"budget": or_exit(_budget, kept.budget, until, hours, gpu_minutes, usd)})
    if (at_once := jobs_of(jobs)) is not None:
        kept = kept.with_jobs(at_once)
    runs = or_exit(runs_of, kept)
    only = or_exit(_language_of, runs, language) if language else None
    if not unfinished(kept, runs, only, force):
        where = f" in {only}" if only else ""
        if unfinished(kept, runs, only, force=True):
            left = "the branches that are left are set aside; `polydub retry --force` tries them again"
        else:
            left = "every branch is delivered"
        say(f"Batch {kept.id} has nothing to retry{where}: {left}.", err=True)
        _report(kept, or_exit(finished_summaries, runs), as_json)
    if deployed:
        or_exit(require_deployments)
    keep_batch(kept)
    done = or_exit(run_batch, kept, runs, deployed=deployed, language=only, force=force)
    _report(kept, done, as_json)


@app.command(rich_help_panel=Command.DUB)
def inbox(
    folder: Annotated[str, typer.Argument(help="folder to watch for videos and manifests", metavar="FOLDER")],
    to: Annotated[
        list[str], typer.Option("--to", help="target languages for videos, by tag or name: es,fr", metavar="LANGUAGES")
    ],
    profile: Profile = "offline",
    out: Out = "out",
    every: Annotated[
        float, typer.Option(help="time between checks; a file is taken once two checks agree", metavar="SECONDS")
    ] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="dub the files present, then exit")] = False,
    as_json: AsJson = False,
) -> None:
    """Dub files dropped into a folder; nothing in it is moved or deleted."""
    from flows.terminal.inbox import Inbox

    found = or_exit(Inbox, Path(folder), to, profile, out)
    if once:
        report(or_exit(found.once, every), as_json)
    or_exit(found.watch, every)


@app.command(rich_help_panel=Command.FOLLOW)
def costs(
    by: Annotated[str, typer.Option(help="group by language, title, step, provider or day")] = "language",
    since: Annotated[datetime.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="first day (UTC)")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Sum up usage: seconds, GPU-seconds, retries, billed units, cost."""
    from flows.kept.costs import costs as sums
    from flows.terminal.status import show_costs

    rows = or_exit(sums, by, since.date() if since else None)
    if as_json:
        say_json(rows)
    else:
        show_costs(rows)


@app.command(rich_help_panel=Command.FOLLOW)
def metrics(
    to: Annotated[str | None, typer.Option("--to", help="a .prom file for node_exporter; default: stdout")] = None,
) -> None:
    """Print usage and cost metrics for Prometheus."""
    from flows.service.metrics import metrics as text
    from flows.service.metrics import write_metrics

    if to:
        write_metrics(Path(to))
    else:
        say(text().decode().rstrip("\n"))


def _report(kept: Any, summaries: list[dict[str, Any]], as_json: bool) -> NoReturn:
    from flows.terminal.status import show_morning

    if as_json:
        show_json(summaries)
    or_exit(show_morning, kept, summaries)
    raise typer.Exit(exit_code(summaries))


def _budget(settings: Any, until: str | None, hours: float | None, gpu_minutes: float | None, usd: float | None) -> Any:
    """A profile's budget overridden by options; a new time limit replaces the old one completely."""
    from pydantic import ValidationError

    from configs.night import BudgetSettings

    typed = {"gpu_minutes": gpu_minutes, "usd": usd}
    if until is not None or hours is not None:
        settings = settings.model_copy(update={"until": until, "hours": hours})
    changes = {name: value for name, value in typed.items() if value is not None}
    try:
        return BudgetSettings.model_validate({**settings.model_dump(), **changes})
    except ValidationError as error:
        fault = error.errors()[0]
        if fault["loc"] == ("until",):
            raise BadInputError(f"--until {until!r} is not a time of day.", "Write it as 06:00.") from error
        raise BadInputError(f"--{str(fault['loc'][0]).replace('_', '-')}: {fault['msg']}.") from error


def _language_of(runs: Sequence[Run], typed: str) -> str:
    from flows.ask.plan import parse_languages

    (language,) = parse_languages([typed])[:1]
    known = dict.fromkeys(tag for run in runs for tag in run.title.languages)
    if language not in known:
        raise BadInputError(f"The batch has no {language}.", f"Its languages: {', '.join(known)}.")
    return language
