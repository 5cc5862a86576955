"""`polydub tokens`: who may use the review server, and what they may do there."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.printed import say, say_json
from flows.terminal.outcome import or_exit

app = typer.Typer(help="Who may use the review server: viewers, reviewers, editors, owners.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="as records name them")]
RoleName = Annotated[str, typer.Option("--role", help="viewer, reviewer, editor or owner")]


@app.command("new")
def new_command(
    name: Name,
    role: RoleName = "viewer",
    days: Annotated[float | None, typer.Option(help="after which it ends", min=0.01)] = None,
) -> None:
    """Give somebody a token, which is shown once: `?token=` in the address, or `Authorization: Bearer`."""
    from flows.review.people import new_token

    say(or_exit(new_token, name, role, days))


@app.command("user")
def user_command(name: Name, role: RoleName = "viewer") -> None:
    """Let in somebody whom the reverse proxy of POLYDUB_REVIEW_PROXY names."""
    from flows.review.people import new_user

    or_exit(new_user, name, role)
    say(f"{name}: {role}")


@app.command("list")
def list_command(as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False) -> None:
    """Show everybody; no token, only since when and until when."""
    from flows.review.people import people

    known = or_exit(people)
    if as_json:
        say_json([{**one.model_dump(exclude={"sha256"}), "by_token": bool(one.sha256)} for one in known])
        return
    for one in known:
        until = f", {'ended' if one.is_over else 'until'} {one.until}" if one.until else ""
        say(f"{one.name}  {one.role}  {'token' if one.sha256 else 'proxy'}  since {one.made}{until}")
    if not known:
        say("Nobody yet: who has the password, or the address that the server prints, is the owner.")


@app.command("revoke")
def revoke_command(name: Name) -> None:
    """Let somebody in no longer, from the next request on."""
    from flows.review.people import revoke

    or_exit(revoke, name)
    say(f"{name} is no longer let in.")
