"""`polydub verify`: what a file is, and whether all signs of it agree; `polydub keys`: a chain to try signing with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.printed import say, say_json
from flows.terminal.options import Command
from flows.terminal.outcome import EXIT_BAD_INPUT, EXIT_NOTHING, EXIT_OK, EXIT_PARTIAL, or_exit

if TYPE_CHECKING:
    from flows.kept.verified import Verified

app = typer.Typer()
keys_app = typer.Typer(help="Keys that sign what is delivered (content credentials).", no_args_is_help=True)

_HEADS = {"confirmed": "CONFIRMED", "contradicted": "CONTRADICTED", "unconfirmed": "UNCONFIRMED"}


@app.command("verify", rich_help_panel=Command.FOLLOW)
def verify_command(
    files: Annotated[list[str], typer.Argument(help="any files, ours or not", metavar="FILE...")],
    trust: Annotated[
        list[str] | None, typer.Option("--trust", help="a PEM file of certificates to trust; repeatable")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="whose trust list counts")] = "offline",
    listen: Annotated[bool, typer.Option("--listen/--no-listen", help="look for a watermark in the sound")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="print to stdout as JSON")] = False,
) -> None:
    """Say what a file is by its content credentials, its comment, its sound and the store: do they agree?

    Exit code 0: every file is confirmed, by sound credentials of a trusted signer or by the store, and nothing speaks
    against it. 1: of a file signs do not agree, or its credentials do not hold. 2: a file cannot be opened. 3: nothing
    speaks against any, but nothing proves one of them.
    """
    from configs.profile import ProfileError, load_profile
    from flows.kept.verified import verified
    from tasks.records.errors import BadInputError
    from tasks.sign.key import anchors_of

    def trusted() -> str:
        try:
            return anchors_of(load_profile(profile).credentials, trust or ())
        except ProfileError as error:
            raise BadInputError(str(error)) from error

    anchors = or_exit(trusted)
    found: list[Verified | BadInputError] = []
    for file in files:
        try:
            found.append(verified(file, anchors, listen=listen))
        except BadInputError as error:
            found.append(error)
    if as_json:
        say_json([_json(file, one) for file, one in zip(files, found, strict=True)])
    for file, one in zip(files, found, strict=True):
        if isinstance(one, BadInputError):
            say(f"polydub: {one}", err=True)
        elif not as_json:
            _show(file, one)
    verdicts = {"unopened" if isinstance(one, BadInputError) else one.verdict for one in found}
    ends = {"contradicted": EXIT_NOTHING, "unopened": EXIT_BAD_INPUT, "unconfirmed": EXIT_PARTIAL}
    raise typer.Exit(next((code for verdict, code in ends.items() if verdict in verdicts), EXIT_OK))


def _show(file: str, one: Verified) -> None:
    say(f"{_HEADS[one.verdict]}  {file}")
    say(f"  {one.summary}")
    say(f"  {one.kind}")
    for sign in one.signs:
        say(f"  {sign.name + ':':13} {sign.words}")
    told = one.credentials
    for action in told.actions:
        kind, by = (f" [{action.kind}]" if action.kind else ""), (f" by {action.by}" if action.by else "")
        say(f"    {action.does}{kind}{by}{f': {action.description}' if action.description else ''}")
    for origin in told.origins:
        own = "with credentials of its own" if origin.credentials else "without credentials"
        say(f"    from {origin.name} ({origin.relation}, {own})")


def _json(file: str, one: object) -> object:
    from flows.kept.verified import Verified

    return one.as_json() if isinstance(one, Verified) else {"file": file, "verdict": "unopened", "error": str(one)}


@keys_app.command("new")
def new_command(
    out: Annotated[str, typer.Option("--out", help="a folder, made where missing")] = "keys",
    name: Annotated[str, typer.Option("--name", help="the organisation that signs")] = "Polydub test",
    days: Annotated[int, typer.Option(help="for which it is valid", min=1, max=3650)] = 365,
) -> None:
    """Make a key and a certificate for tests. Nobody else trusts it: it proves nothing to anybody but you."""
    import datetime

    from tasks.sign.trial import CERTIFICATE, KEY, TRUST, new_chain

    now, folder = datetime.datetime.now(datetime.UTC), Path(out).expanduser().absolute()
    or_exit(new_chain, folder, name, now - datetime.timedelta(hours=1), now + datetime.timedelta(days=days))
    say("This is a test certificate. Nobody else trusts it: what it signs proves nothing to anybody but you.")
    say("docs/credentials.md says how to get a real one. In a profile:")
    say("credentials:")
    for setting, file in (("key", KEY), ("certificate", CERTIFICATE), ("trust", TRUST)):
        say(f"  {setting}: {folder / file}")
