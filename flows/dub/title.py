"""dub-title: one title (`flows.dub.whole`), as a flow of Prefect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.dub.admission import admit, is_deployed
from flows.dub.language import dub_language
from flows.dub.launch import Kind, launcher
from flows.dub.show import show_title
from flows.dub.states import state_of
from flows.dub.tags import untagged
from flows.dub.whole import dub_whole
from tasks.machine.stop import stop_at_sigterm
from tasks.records.title import Run


@flow(name="dub-title", flow_run_name="{run.title.name}", persist_result=False, validate_parameters=True)
def dub_title(run: Run, launch: Kind = "inline", only: list[str] | None = None) -> State[Any]:
    """Dub one title into its languages; languages that are finished already are not run again.

    Args:
        run: the checked title with its profile and store.
        launch: branches in this process, or each as an own flow run of the ``dub-language`` deployment.
        only: of its languages run these; the others stay as they last ended. None: all.
    """
    if is_deployed():
        admit(run)
    if launch == "inline":
        stop_at_sigterm()

    def branches(run: Run, languages: Sequence[str]) -> None:
        launcher(launch).branches(run, languages, dub_language)

    with untagged():
        end = dub_whole(run, branches, only, show_title, here=launch == "inline")
    return state_of(end)
