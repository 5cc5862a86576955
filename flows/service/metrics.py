"""Metrics in Prometheus' text format, from the ledger and the store alone. No Prefect."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.kept.costs import ledger
from flows.night.status import status_of
from tasks.keep.inventory import inventory
from tasks.keep.overview import by_kind
from tasks.keep.places import place_of
from tasks.keep.staging import staged
from tasks.keep.store import store_place, store_root
from tasks.records.errors import BadInputError

_STATES = (
    "waiting",
    "running",
    "interrupted",
    "completed",
    "needs_review",
    "failed",
    "carried_over",
    "set_aside",
)
#: Sums over the ledger: column and description.
_SUMS = {
    "seconds": "Duration of steps in seconds.",
    "gpu_seconds": "Seconds that steps held an accelerator.",
    "retries": "Failed tries before a step ended.",
}
_BILLED = {
    "usd": "Cost in US dollars, as far as prices are known.",
    "characters": "Characters billed by services.",
    "seconds_billed": "Seconds of sound or picture billed by services.",
    "tokens": "Tokens billed by services.",
}


def metrics() -> bytes:
    """All metrics: of the whole ledger, of the latest batch, of the store's disk."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector())
    return generate_latest(registry)


def write_metrics(path: Path) -> None:
    """Write the metrics to a file atomically, for node_exporter's textfile collector."""
    with staged(path) as part:
        part.write_bytes(metrics())


class _Collector:
    def collect(self) -> Iterator[Any]:
        """The metric families."""
        from prometheus_client.core import GaugeMetricFamily

        usage = shutil.disk_usage(store_root())
        yield GaugeMetricFamily("polydub_store_free_bytes", "Free bytes on the store's disk.", value=usage.free)
        yield GaugeMetricFamily("polydub_store_size_bytes", "Size of the store's disk.", value=usage.total)
        yield _by_kind()
        yield from _of_the_latest_batch()
        yield from _of_the_ledger()


def _by_kind() -> Any:
    from prometheus_client.core import GaugeMetricFamily

    sizes = GaugeMetricFamily("polydub_store_bytes", "Bytes in the store.", labels=["kind"])
    for one in by_kind(inventory(place_of(store_place())[0])):
        sizes.add_metric([one.kind], one.bytes)
    return sizes


def _of_the_latest_batch() -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    try:
        found = status_of(None)
    except BadInputError:  # there is none
        return
    counts = Counter(branch["state"] for branch in found["branches"])
    branches = GaugeMetricFamily("polydub_branches", "Branches of the latest batch.", labels=["state"])
    for state in _STATES:
        branches.add_metric([state], counts[state])
    yield branches


def _of_the_ledger() -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    try:
        table = ledger()
    except BadInputError:  # nothing has run
        return
    steps = table[table["state"] != "billed"]
    ended = CounterMetricFamily("polydub_steps", "Finished steps.", labels=["step", "language", "state"])
    for labels, count in steps.groupby(["step", "language", "state"]).size().items():
        ended.add_metric(list(labels), count)
    yield ended
    yield from _sums(steps, _SUMS, ["step", "language"], "polydub_step")
    yield from _sums(table[table["state"] == "billed"], _BILLED, ["provider"], "polydub_billed")
    last = GaugeMetricFamily("polydub_last_step_timestamp_seconds", "Time of the last ledger entry.")
    last.add_metric([], table["time"].max().timestamp())
    yield last


def _sums(table: Any, columns: dict[str, str], labels: list[str], prefix: str) -> Iterator[Any]:
    from prometheus_client.core import CounterMetricFamily

    sums = table.groupby(labels)[list(columns)].sum()
    for column, what in columns.items():
        family = CounterMetricFamily(f"{prefix}_{column.removesuffix('_billed')}", what, labels=labels)
        for values, amount in sums[column].items():
            family.add_metric([values] if isinstance(values, str) else list(values), amount)
        yield family
