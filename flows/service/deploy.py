"""Registers Polydub with a Prefect server: pools, deployments, limits, and the nightly schedule."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import flows
from configs.limits import Limits, LimitsError, load_limits
from flows.dub.admission import admit_night, allow_night
from flows.dub.pools import BRANCH, BRANCH_ON_GPU, CPU_POOL, GPU_POOL, TITLE
from flows.service.automations import automate
from flows.service.registered import Registered
from flows.service.server import answers, asks_for_a_password
from tasks.machine.gpu import gpus
from tasks.machine.process import run
from tasks.records.errors import BadInputError, ProcessFailedError, TransientError
from tasks.services.retries import Retries
from tasks.services.slots import BUDGET, CPU_HEAVY, GPU, provider_slot

NIGHTLY = "dub-nightly/polydub"
_SLUG = "nightly"
_BUSY = re.compile(r"'50[0-9] |Timeout\b|ConnectError|ReadError|RemoteProtocolError")  # in `prefect deploy`'s traceback
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class Nightly:
    """A schedule as given: when ``dub-nightly`` runs, and its arguments."""

    cron: str
    manifest: str
    timezone: str = "UTC"
    profile: str = "offline"
    out: str = "out"


def register(nightly: Nightly | None, limits_file: str | None = None, gpu: bool | None = None) -> Registered:
    """Create pools, limits, automations and deployments at the server of ``PREFECT_API_URL``; idempotent.

    Args:
        nightly: the nightly schedule; None leaves it unchanged.
        limits_file: a YAML file of limits; None for those of `configs.limits`.
        gpu: whether a machine of the fleet has a GPU; None: whether this one has.

    Returns:
        What the server has now.

    Raises:
        BadInputError: no server is set, or an argument is wrong.
        TransientError: the server was too busy at every try.
    """
    _needs_server()
    try:
        limits = load_limits(Path(limits_file) if limits_file else None)
    except LimitsError as error:
        raise BadInputError(str(error)) from error
    schedule = _schedule(nightly) if nightly else None
    devices = len(gpus())
    with_gpu = bool(devices) if gpu is None else gpu
    pools = (CPU_POOL, GPU_POOL) if with_gpu else (CPU_POOL,)
    slots = slots_by_name(limits, devices, os.cpu_count() or 1)
    before = _retries.call(_prepare, slots, pools)
    deployments = _deploy_flows(with_gpu)  # keeps schedules, but not parameters
    with _client() as client:
        if nightly and schedule:
            _set_schedule(client, nightly, schedule)
        elif before is not None:
            _set_parameters(client, before.parameters)
        night = _nightly(client)
    schedules = [f"{when(one.schedule)}{'' if one.active else ', paused'}" for one in night.schedules]
    return Registered(os.environ["PREFECT_API_URL"], deployments, pools, slots, schedules, night.parameters)


def when(schedule: Any) -> str:
    """A schedule in words; one made in the UI may be an interval or a recurrence rule."""
    if hasattr(schedule, "interval"):
        return f"every {schedule.interval}"
    return f"{getattr(schedule, 'cron', None) or schedule.rrule} ({schedule.timezone})"


def slots_by_name(limits: Limits, devices: int, cores: int) -> dict[str, int]:
    """Names and sizes of Prefect's global limits.

    Args:
        limits: the configured limits.
        devices: number of GPUs of this machine.
        cores: number of its CPU cores.
    """
    return {
        GPU: limits.gpu or max(1, devices),
        CPU_HEAVY: limits.cpu_heavy or max(1, cores // 2),
        BUDGET: 1,
        **{provider_slot(name): slots for name, slots in limits.providers.items()},
    }


def set_active(active: bool) -> list[str]:
    """Pause or resume the nightly schedule, and describe it.

    Raises:
        BadInputError: no server is set, or it has no such schedule.
    """
    _needs_server()
    with _client() as client:
        nightly = _nightly(client)
        if nightly is None or not nightly.schedules:
            raise BadInputError("There is no nightly schedule.", "Create one with `polydub deploy --cron`.")
        for one in nightly.schedules:
            client.update_deployment_schedule(nightly.id, one.id, active=active)
        return [when(one.schedule) for one in nightly.schedules]


def require_deployments() -> None:
    """Check that runs can be handed to workers.

    Raises:
        BadInputError: no server is set or answers, it requires another password, or it has no deployments of Polydub.
        TransientError: the server is too busy.
    """
    from prefect.exceptions import ObjectNotFound

    _needs_server()
    if not answers(f"{os.environ['PREFECT_API_URL']}/health"):  # its client would ask for half a minute
        raise _no_server()
    with _client() as client:
        try:
            for name in (TITLE, BRANCH):
                client.read_deployment_by_name(name)
        except ObjectNotFound as error:
            raise BadInputError(
                f"The Prefect server at {os.environ['PREFECT_API_URL']} has no deployments of Polydub.",
                "Register them with `polydub deploy`.",
            ) from error


def refused_night() -> str:
    """Why a worker like this process would reject the scheduled night; empty if it would not, or none is scheduled."""
    with _client() as client:
        nightly = _nightly(client)
    if nightly is None or not nightly.schedules:
        return ""
    night = {"manifest": "", "profile": "offline", "out": "out", **nightly.parameters}
    try:
        admit_night(*(str(night[name]) for name in ("manifest", "profile", "out")))
    except BadInputError as error:
        return str(error)
    return ""


def _needs_server() -> None:
    if not os.environ.get("PREFECT_API_URL"):
        raise BadInputError(
            "PREFECT_API_URL is not set.", "Start a server with `polydub up`, and export what it prints."
        )


def _schedule(nightly: Nightly) -> Any:
    from prefect.client.schemas.schedules import CronSchedule
    from pydantic import ValidationError

    if not Path(nightly.manifest).is_file():
        raise BadInputError(f"The manifest {nightly.manifest!r} does not exist.", "Check the path.")
    try:
        return CronSchedule(cron=nightly.cron, timezone=nightly.timezone)
    except ValidationError as error:
        what = error.errors()[0]["msg"]
        raise BadInputError(
            f"{nightly.cron!r} in {nightly.timezone!r} is not a schedule: {what}.",
            'Write it as --cron "0 1 * * *" --timezone Europe/Paris.',
        ) from error


def _set_schedule(client: Any, nightly: Nightly, schedule: Any) -> None:
    """Make it the only schedule of ``dub-nightly``."""
    from prefect.client.schemas.actions import DeploymentScheduleCreate

    night = {"manifest": str(Path(nightly.manifest).absolute()), "out": str(Path(nightly.out).absolute())}
    night["profile"] = nightly.profile
    allow_night(**night)
    # Set on the deployment, not the schedule: Prefect 3.9.1 loses the parameters of a schedule paused in its UI.
    _set_parameters(client, night)
    deployment = _nightly(client)
    for old in deployment.schedules:
        client.delete_deployment_schedule(deployment.id, old.id)
    made = DeploymentScheduleCreate(schedule=schedule, slug=_SLUG, active=True)
    client.create_deployment_schedules(deployment.id, [made])


def _set_parameters(client: Any, parameters: dict[str, Any]) -> None:
    from prefect.client.schemas.actions import DeploymentUpdate

    client.update_deployment(_nightly(client).id, DeploymentUpdate(parameters=parameters))


#: A server on a busy machine returns 503 while its SQLite file is locked; all requests made here can be repeated.
_retries = Retries(tries=4, first_s=5.0, longest_s=5.0, on=TransientError)


def _prepare(slots: dict[str, int], pools: Sequence[str]) -> Any:
    """Create pools, limits and automations; returns the existing nightly deployment."""
    with _client() as client:
        _make_pools(client, pools)
        for name, size in slots.items():
            client.upsert_global_concurrency_limit_by_name(name, size)
        automate(client)
        return _nightly(client)


def _make_pools(client: Any, pools: Sequence[str]) -> None:
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectAlreadyExists

    # Always the flow run's own program, in a folder of its own: with Prefect's template the creator of a flow run
    # could set another command and folder.
    template = json.loads(_beside("work-pool.json").read_text("utf-8"))
    for name in pools:
        try:
            client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=template))
        except ObjectAlreadyExists:
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))


def _deploy_flows(with_gpu: bool) -> list[str]:
    file = _beside("prefect.yaml")
    names = [name for name in _deployments(file) if with_gpu or name != BRANCH_ON_GPU]
    chosen = [part for name in names for part in ("--name", name)]
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--prefect-file", str(file), *chosen]
    _retries.call(_run, command)
    return names


def _deployments(file: Path) -> list[str]:
    """Names of all deployments of a ``prefect.yaml``: of the flow, and of the deployment."""
    listed = yaml.safe_load(file.read_text("utf-8"))["deployments"]
    return [f"{one['entrypoint'].partition(':')[2].replace('_', '-')}/{one['name']}" for one in listed]


def _beside(name: str) -> Path:
    """A file of the folder ``deployments``, which is beside the flows in a checkout and in the image."""
    file = Path(flows.__file__).resolve().parent.parent / "deployments" / name
    if not file.exists():
        raise BadInputError(f"deployments/{name} was not found next to the flows.", "Run from a checkout.")
    return file


def _run(command: list[str]) -> None:
    try:
        run(command, deadline_s=180, env=QUIET)
    except ProcessFailedError as error:
        if _BUSY.search(error.data["log"]) is None:
            raise
        raise _too_busy() from error


def _nightly(client: Any) -> Any:
    from prefect.exceptions import ObjectNotFound

    try:
        return client.read_deployment_by_name(NIGHTLY)
    except ObjectNotFound:
        return None


@contextlib.contextmanager
def _client() -> Iterator[Any]:
    import httpx
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            yield client
    except httpx.ConnectError as error:
        raise _no_server() from error
    except httpx.TimeoutException as error:
        raise _too_busy() from error
    except httpx.HTTPStatusError as error:
        if error.response.is_server_error:
            raise _too_busy() from error
        if error.response.status_code != httpx.codes.UNAUTHORIZED:
            raise
        raise asks_for_a_password(os.environ["PREFECT_API_URL"]) from None


def _no_server() -> BadInputError:
    return BadInputError(f"No Prefect server answers at {os.environ['PREFECT_API_URL']}.", "Start it (`polydub up`).")


def _too_busy() -> TransientError:
    url = os.environ["PREFECT_API_URL"]
    return TransientError(f"The Prefect server at {url} is too busy to answer.", "Try again when it has less load.")
