"""dub-batch: many titles, one after another; a title that fails leaves the others alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.title import dub_title
from tasks.model import Run


@flow(name="dub-batch", flow_run_name="{batch}", persist_result=False)
def dub_batch(batch: str, runs: list[Run], launch: Literal["inline", "deployed"] = "inline") -> State[Any]:
    """Dub every title of a batch.

    Args:
        batch: its name.
        runs: checked titles.
        launch: where language branches run, see ``dub-title``.
    """
    states = {run.title.name: dub_title(run, launch, return_state=True) for run in runs}
    rows = [{"title": name, "state": state.name, "message": state.message} for name, state in states.items()]
    create_table_artifact(key="dub-batch", table=rows, description=f"Titles of {batch}")
    bad = [name for name, state in states.items() if not state.is_completed()]
    if bad:
        return Failed(
            name="PartialFailure", message=f"{len(bad)} of {len(runs)} titles are not whole: {', '.join(bad)}"
        )
    return Completed(message=f"{len(runs)} titles")


@flow(name="dub-nightly", persist_result=False)
def dub_nightly(manifest: str, profile: str = "offline", out: str = "out") -> State[Any]:
    """Read a manifest and dub what is new in it; finished branches are found, not run.

    Args:
        manifest: path of a .csv, .xlsx, .parquet or .yaml file.
        profile: for titles that name none.
        out: folder for the deliverables.
    """
    from flows.manifest import read_manifest
    from flows.plan import plan

    names: dict[str, int] = {}
    runs = [run for request in read_manifest(Path(manifest), profile, {}, out) for run in plan(request, names)]
    return dub_batch(Path(manifest).stem, runs, "deployed", return_state=True)
