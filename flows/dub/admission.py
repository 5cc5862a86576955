"""Workers verify that a run from the Prefect server was planned by somebody with access to the store.

Planning a run for the workers leaves its digest in the store (`allow`), which the server's password does not give
access to. A worker rejects a run whose digest is missing (`admit`). So a run that is resubmitted unchanged, by a retry
or after a crash, is accepted; one with another profile, folder or file is not. A nightly run is accepted with the
arguments of `polydub deploy` (`allow_night`), else within the operator's roots (`admit_night`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from configs.languages import LanguageError, parse_language
from configs.profile import profile_names
from tasks.keep.places import url_of
from tasks.keep.store import store_at, store_place, text_sha256
from tasks.records.errors import BadInputError
from tasks.records.title import Branch, Run, language_of

_RUN, _NIGHT = "planned-run", "planned-night"


def allow(run: Run) -> None:
    """Permit workers of the run's store to execute it, as a whole and each language, exactly as it is now."""
    facts = {"title": run.title.name, "batch": run.batch}
    store_at(run.store).write_note(_RUN, _run_digest(run), facts)


def allow_night(manifest: str, profile: str, out: str) -> None:
    """Permit workers of this machine's store to run this night, on behalf of the operator.

    Args:
        manifest: path of the manifest.
        profile: name of the profile.
        out: folder for the deliverables.
    """
    facts = {"manifest": manifest, "profile": profile, "out": out}
    store_at(store_place()).write_note(_NIGHT, _digest(facts), facts)


def is_deployed() -> bool:
    """Whether the current flow run belongs to a deployment; a run planned by this process needs no check."""
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    return context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None


def admit(run: Run) -> None:
    """Check a run against this machine's store and roots.

    Args:
        run: of a title, or a branch, as received.

    Raises:
        BadInputError: an invalid file name or language, another store than this worker's, a file outside
            ``POLYDUB_ROOTS`` or a folder outside ``POLYDUB_OUT`` (if these are set), or a run that was not planned in
            the store.
    """
    title = run.title
    if title.name in ("", ".", "..") or "/" in title.name or not title.name.isprintable():
        raise _refused("title.name", title.name)
    for tag in (*title.languages, *title.dubs, *title.translations, *filter(None, (language_of(run),))):
        _check_language(tag)
    if isinstance(run, Branch) and run.language not in title.languages:
        raise _refused("the language", run.language)
    own = store_at(store_place())
    if run.store != own.where and Path(run.store).resolve() != Path(own.where).resolve():
        raise _refused("the store", run.store)
    roots = _folders("POLYDUB_ROOTS")
    for asset in filter(
        None, (title.video, title.subtitles, title.bed, *title.dubs.values(), *title.translations.values())
    ):
        inside = asset.uri.startswith(f"{own.where}/") if url_of(asset.uri) else _is_in(asset.uri, [*roots, own.root])
        if (url_of(asset.uri) or roots) and not inside:
            raise _refused("a file", asset.uri)
    if (outs := _folders("POLYDUB_OUT")) and not _is_in(title.folder, outs):
        raise _refused("the output folder", title.folder)
    if own.read_note(_RUN, _run_digest(run)) is None:
        raise BadInputError(
            f"This worker rejected the run: {title.name!r} with profile {run.profile.name!r} into {title.folder!r} "
            f"was not planned in the store {own.where}.",
            "If it is your run, plan it again: `polydub retry BATCH --deployed` with this store as POLYDUB_STORE.",
        )


def admit_batch(language: str | None) -> None:
    """Check the language that a batch is restricted to; its name is looked up in the store.

    Raises:
        BadInputError: not a language.
    """
    if language is not None:
        _check_language(language)


def admit_night(manifest: str, profile: str, out: str) -> None:
    """Check a night against the arguments of `polydub deploy`, else against the operator's roots and profiles.

    Args:
        manifest: path of the manifest.
        profile: name of the profile.
        out: folder for the deliverables.

    Raises:
        BadInputError: it was not deployed with these arguments, and the manifest is outside ``POLYDUB_ROOTS``, the
            deliverables outside ``POLYDUB_OUT`` (unset: the roots), or the profile is not one of the operator's.
    """
    night = {"manifest": manifest, "profile": profile, "out": out}
    if store_at(store_place()).read_note(_NIGHT, _digest(night)) is not None:
        return
    roots = _folders("POLYDUB_ROOTS")
    allowed = {
        "the manifest": (manifest, _is_in(manifest, roots)),
        "the output folder": (out, _is_in(out, _folders("POLYDUB_OUT") or roots)),
        "the profile": (profile, profile in profile_names()),
    }
    for what, (value, is_allowed) in allowed.items():
        if not is_allowed:
            raise BadInputError(
                f"This worker rejected the night: {what} {value[:200]!r} is not allowed here.",
                "Schedule it with `polydub deploy --cron ... --manifest ...` and this worker's POLYDUB_STORE. Any "
                "other needs a manifest within POLYDUB_ROOTS, a folder within POLYDUB_OUT and a profile's name.",
            )


def _check_language(tag: str) -> None:
    try:
        known = parse_language(tag) == tag
    except LanguageError:
        known = False
    if not known:
        raise _refused("a language", tag)


def _folders(variable: str) -> list[Path]:
    return [Path(part).expanduser().resolve() for part in os.environ.get(variable, "").split(os.pathsep) if part]


def _is_in(file: str, folders: Sequence[Path]) -> bool:
    """Whether a file is inside one of the folders, symbolic links resolved."""
    try:
        real = Path(file).resolve()
    except (OSError, ValueError, RuntimeError):  # an embedded NUL, a loop of links
        return False
    return any(real.is_relative_to(folder.resolve()) for folder in folders)


def _run_digest(run: Run) -> str:
    """Digest of a run, the same for its branches. Unset fields do not count, as a later version may add some."""
    return _digest(run.model_dump(mode="json", exclude_defaults=True, exclude={"language"}))


def _digest(facts: Any) -> str:
    return text_sha256(json.dumps(_as_any_database_keeps_it(facts), sort_keys=True))


def _as_any_database_keeps_it(value: Any) -> Any:
    """Normalise numbers: Postgres returns a whole number without its decimal point or exponent."""
    if isinstance(value, Mapping):
        return {name: _as_any_database_keeps_it(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_any_database_keeps_it(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _refused(what: str, value: str) -> BadInputError:
    return BadInputError(
        f"This worker rejected the run: {what} {value[:200]!r} is not allowed here.",
        "See POLYDUB_ROOTS, POLYDUB_OUT and POLYDUB_STORE of the worker.",
    )
