"""A run that came by way of the Prefect server is checked again where it is worked on."""

from __future__ import annotations

import os
from pathlib import Path

from configs.languages import LanguageError, parse_language
from tasks.errors import BadInputError
from tasks.model import Run
from tasks.places import url_of
from tasks.store import Store, store_place


def admit_deployed(run: Run) -> None:
    """As `admit`, where the flow run under way is one of a deployment; what this process planned itself is checked."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None:
        admit(run)


def admit(run: Run) -> None:
    """Hold a run's names and places against this machine's.

    Raises:
        BadInputError: a name that is no file name, a language that is none, another store than this worker's, or a file
            outside of ``POLYDUB_ROOTS`` (where that is set) and of the store.
    """
    title = run.title
    if title.name in ("", ".", "..") or "/" in title.name or not title.name.isprintable():
        raise _refused("title.name", title.name)
    for tag in (*title.languages, *title.dubs, *filter(None, (run.language,))):
        try:
            known = parse_language(tag) == tag
        except LanguageError:
            known = False
        if not known:
            raise _refused("a language", tag)
    own = Store(store_place()).where
    if run.store != own and Path(run.store).resolve() != Path(own).resolve():
        raise _refused("the store", run.store)
    roots = [
        Path(part).expanduser().resolve() for part in os.environ.get("POLYDUB_ROOTS", "").split(os.pathsep) if part
    ]
    for asset in filter(None, (title.video, title.subtitles, title.bed, *title.dubs.values())):
        if url_of(asset.uri):
            inside = asset.uri.startswith(f"{own}/")
        else:
            file = Path(asset.uri).resolve()
            inside = not roots or any(file.is_relative_to(root) for root in (*roots, Path(own).resolve()))
        if not inside:
            raise _refused("a file", asset.uri)


def _refused(what: str, value: str) -> BadInputError:
    return BadInputError(
        f"This worker does not take the run: {what} {value[:200]!r} is not allowed here.",
        "See POLYDUB_ROOTS and POLYDUB_STORE of the worker.",
    )
