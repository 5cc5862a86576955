"""What `polydub deploy` has set up at a Prefect server, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Registered:
    """What a server has of Polydub now.

    Attributes:
        server: address of its API.
        deployments: names, ``FLOW/DEPLOYMENT``.
        pools: names of the work pools.
        limits: sizes of the global concurrency limits by name.
        nightly: the schedules of the night in words, paused ones so marked.
        night: manifest, profile and output folder of the night.
    """

    server: str
    deployments: Sequence[str]
    pools: Sequence[str]
    limits: Mapping[str, int]
    nightly: Sequence[str]
    night: Mapping[str, str]

    def lines(self) -> list[str]:
        """What the terminal shows."""
        sizes = ", ".join(f"{name} {size}" for name, size in self.limits.items())
        manifest, profile, out = (self.night.get(name, "") for name in ("manifest", "profile", "out"))
        night = [f"  night        {when}: {manifest}, profile {profile}, into {out}" for when in self.nightly]
        return [
            f"Registered at {self.server}:",
            f"  deployments  {', '.join(self.deployments)}",
            f"  work pools   {', '.join(self.pools)}",
            f"  limits       {sizes}",
            *(night or ["  night        not scheduled; `polydub deploy --cron ... --manifest ...` schedules it"]),
            *(f"Start a worker: prefect worker start --pool {pool}" for pool in self.pools),
        ]
