"""Work pools: titles and batches run in the CPU pool, where they wait; branches that use a GPU in the GPU pool."""

from __future__ import annotations

from typing import Any

from configs.profile import Profile
from flows.ask.plan import backends
from tasks.step.table import of_part

CPU_POOL, GPU_POOL = "polydub-cpu", "polydub-gpu"
TITLE, BRANCH, BRANCH_ON_GPU = "dub-title/polydub", "dub-language/polydub", "dub-language/polydub-gpu"


def branch_deployment(profile: Profile, client: Any) -> str:
    """The deployment that runs a branch of this profile; the GPU pool's only if the server has one.

    Args:
        profile: of the run.
        client: a synchronous Prefect client.
    """
    from prefect.exceptions import ObjectNotFound

    if not uses_gpu(profile):
        return BRANCH
    try:
        client.read_deployment_by_name(BRANCH_ON_GPU)
    except ObjectNotFound:
        return BRANCH
    return BRANCH_ON_GPU


def uses_gpu(profile: Profile) -> bool:
    """Whether a backend of a language branch is faster on a GPU and not restricted to the CPU."""
    made = backends(profile)
    sections = {step.section for step in of_part("branch") if step.gpu and step.section}
    return any(
        made[section].facts.device == "any" and getattr(profile, section).options.get("device") != "cpu"
        for section in sections
    )
