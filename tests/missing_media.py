"""What pytest does about test media that are not there: it counts them, and fails where `CI` is set.

Hooks for `tests/conftest.py`. A test that needs a recording raises `MissingMedia`: on a developer's machine it is
skipped, in CI it fails, so that a green run there has tested everything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

_MISSING = "media not there"


class MissingMedia(pytest.skip.Exception):  # type: ignore[misc, name-defined]
    """A recording that a test needs is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"test media {name} is not here (set POLYDUB_MEDIA)")


def in_ci() -> bool:
    """Whether this is continuous integration, as its services say: `CI` is set to anything but no."""
    return os.environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Mark a test that lacks its media; in CI it fails."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, MissingMedia):
        report.user_properties.append((_MISSING, str(call.excinfo.value.msg)))
        if in_ci():
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid}: {call.excinfo.value.msg}. CI is set: what cannot be tested has failed."
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line: how many tests lacked their media."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    lacking = {report.nodeid for report in reports if _MISSING in dict(getattr(report, "user_properties", ()))}
    if lacking:
        what = "failed" if in_ci() else "skipped"
        terminalreporter.write_line(
            f"test media not here (POLYDUB_MEDIA names their folder): {len(lacking)} tests {what} for it"
        )
