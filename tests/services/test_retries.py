"""A busy service is asked again: so often, after such pauses, and not for ever."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tasks.records.errors import PermanentError, ProviderBusyError, TransientError
from tasks.services.retries import Retries

PLAIN = Retries(tries=4, first_s=1.0, longest_s=3.0)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made; the clock shows them, and none is waited for."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    monkeypatch.setattr(time, "monotonic", lambda: sum(made))
    return made


class Service:
    """Says one error after another, then answers with how often it was asked."""

    def __init__(self, *says: Exception) -> None:
        self.asked, self._says = 0, list(says)

    def __call__(self) -> int:
        self.asked += 1
        if self._says:
            raise self._says.pop(0)
        return self.asked


def busy(**data: Any) -> ProviderBusyError:
    return ProviderBusyError("busy", **data)


def test_each_pause_is_longer_up_to_the_longest(pauses: list[float]) -> None:
    assert PLAIN.call(Service(busy(), busy(), busy())) == 4
    assert pauses == [1.0, 2.0, 3.0]


def test_the_last_failure_is_told(pauses: list[float]) -> None:
    service = Service(*(ProviderBusyError(str(number)) for number in range(9)))
    with pytest.raises(ProviderBusyError, match="3"):
        PLAIN.call(service)
    assert service.asked == 4
    assert len(pauses) == 3


def test_a_pause_that_is_asked_for_is_made_unless_it_is_too_long(pauses: list[float]) -> None:
    patient = Retries(tries=4, first_s=1.0, longest_s=3.0, longest_asked_s=20.0)
    with pytest.raises(ProviderBusyError):
        patient.call(Service(busy(pause_s=20.0), busy(pause_s=21.0)))
    assert pauses == [20.0]


def test_to_be_asked_to_wait_is_no_failure_and_ends_with_the_time(pauses: list[float]) -> None:
    hurried = Retries(tries=2, first_s=1.0, longest_s=1.0, within_s=5.5)
    service = Service(*(busy(waits=True) for _ in range(9)))
    with pytest.raises(ProviderBusyError):
        hurried.call(service)
    assert pauses == 5 * [1.0]


class UnclearError(ProviderBusyError):
    """It may have been done."""


@pytest.mark.parametrize("error", [UnclearError("who knows"), TransientError("passing"), PermanentError("never")])
def test_what_must_not_be_repeated_is_not(pauses: list[float], error: Exception) -> None:
    once = Service(error)
    with pytest.raises(type(error)):
        Retries(tries=4, first_s=1.0, longest_s=3.0, unless=UnclearError).call(once)
    assert once.asked == 1
    assert not pauses
