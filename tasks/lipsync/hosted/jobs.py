"""The life cycle of a paid job: requested once, polled, downloaded, kept.

Each job has its own folder, named by its inputs, so that the same inputs find the same job again:

``job.json``
    the request and, as soon as the provider has answered, the job's id; written before the job is requested.
``result``, ``receipt.json``
    the result and its cost; from then on the provider is not contacted again.
``ended-*.json``
    jobs that failed or were cancelled.

After a crash at any point the same job is continued. If a request was sent without an answer, it is repeated only with
an idempotency key; else the job is searched among the latest jobs; else a person has to decide.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from tasks.keep.locks import locked
from tasks.keep.staging import staged
from tasks.lipsync.hosted.fetch import ExpiredError, Fetched, fetch
from tasks.lipsync.hosted.wire import UnclearError
from tasks.machine.meter import bill
from tasks.records.errors import PermanentError, ProviderBusyError, TransientError
from tasks.records.progress import Progress
from tasks.services.retries import Retries
from tasks.services.slots import held

_T = TypeVar("_T")
_UPLOADED, _FETCHING = 0.1, 0.9  # share of the work done at these points
_TRIES = 4  # at an unreachable provider
_SLOWER = 1.5  # each pause than the one before
_HEEDS_S = 1.0  # between two checks whether the process ends
_LOOKS = 3  # searches of the list before a job counts as never created


@dataclass(frozen=True)
class State:
    """The state of a job at a provider.

    Attributes:
        phase: failed and cancelled jobs have no result.
        url: address of the result, once it is done.
        said: why it failed, in the provider's words.
        passing: whether the failure is transient.
        share: share done, 0 to 1, if the provider reports it.
        seconds: length of the result, if the provider reports it.
    """

    phase: Literal["running", "done", "failed", "cancelled"]
    url: str = ""
    said: str = ""
    passing: bool = False
    share: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True)
class Inputs:
    """The inputs: a video or still, and either its speech or a language."""

    picture: Path
    speech: Path | None = None
    language: str = ""


class Provider(Protocol):
    """One provider's protocol, for one of its systems."""

    title: str
    url: str
    #: Seconds for which repeating a request with the same tag gives the same job; 0 if it creates another.
    repeats_s: float

    def prepare(self, inputs: Inputs) -> dict[str, Any]:
        """Upload the inputs, and return the request for `create`; costs nothing."""

    def create(self, request: dict[str, Any], tag: str) -> str:
        """Create the job and return its id; errors as `Wire.ask` with ``creates``."""

    def poll(self, job: str) -> State:
        """The state of the job."""


@runtime_checkable
class JobFinder(Protocol):
    """A provider that lists its latest jobs."""

    def find(self, request: dict[str, Any], tag: str, since: float) -> str | None:
        """The job created by a request; None if it certainly created none.

        Args:
            request: as of `Provider.create`.
            tag: as of `Provider.create`.
            since: earliest creation, seconds of the epoch.

        Raises:
            UnclearError: it cannot be determined.
        """


@runtime_checkable
class JobCanceller(Protocol):
    """A provider that can cancel a job."""

    def cancel(self, job: str) -> None:
        """Cancel the job."""


@runtime_checkable
class FileWithdrawer(Protocol):
    """A provider for which files were published."""

    def withdraw(self, request: dict[str, Any]) -> None:
        """Remove the published files."""


@dataclass(frozen=True)
class Receipt:
    """The cost of a job.

    Attributes:
        provider: as written in profiles.
        model: as written in profiles.
        job: the provider's id; a job is paid for once, however often its receipt is read.
        seconds: billed seconds.
        usd: by the table of prices; the provider's invoice may differ.
        created: time of the request, ISO 8601.
        finished: time of the download, ISO 8601.
        sha256: digest of the result.
    """

    provider: str
    model: str
    job: str
    seconds: float
    usd: float
    created: str
    finished: str
    sha256: str


def receipt_path(out: Path) -> Path:
    """The path of a result's receipt."""
    return out.with_suffix(".receipt.json")


@dataclass(frozen=True)
class Patience:
    """Waiting times in seconds: first and longest pause between two polls, and deadline of the whole job."""

    first_s: float = 1.0
    last_s: float = 10.0
    deadline_s: float = 1800.0


@dataclass(frozen=True)
class _Note:
    """``job.json``."""

    tag: str
    since: float
    request: dict[str, Any] = field(default_factory=dict)
    job: str = ""
    cancelled: bool = False


@dataclass(frozen=True)
class Job:
    """One job of one provider.

    Attributes:
        provider: the provider.
        inputs: the inputs.
        folder: the job's own folder.
        book: makes the receipt from job id, length of the result, time of the request and digest.
        patience: waiting times.
        progress: called with the share done, 0 to 1; an interrupt that it raises cancels the job if the provider can.
        slot: the fleet-wide limit that a job counts against (`tasks.services.slots`).
    """

    provider: Provider
    inputs: Inputs
    folder: Path
    book: Callable[[str, float, str, str], Receipt]
    patience: Patience
    progress: Progress
    slot: str

    def deliver(self, out: Path) -> Receipt:
        """Write the result to ``out`` and the receipt beside it; contact the provider only if it is not stored yet.

        Raises:
            TransientError: it may succeed later; the job is found again then.
            PermanentError: it will not succeed; gives the provider's message.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with _alone(self.folder), _terminable():
            if not self._receipt.exists():
                with held([self.slot]):
                    self._complete()
            receipt = Receipt(**json.loads(self._receipt.read_text("utf-8")))
            bill(f"{receipt.provider}/{receipt.model}", receipt.job, usd=receipt.usd, seconds=receipt.seconds)
            with staged(out) as part:
                shutil.copyfile(self._result, part)
            _write(receipt_path(out), asdict(receipt))
        self.progress(1.0)
        return receipt

    @property
    def _note(self) -> Path:
        return self.folder / "job.json"

    @property
    def _result(self) -> Path:
        return self.folder / "result"

    @property
    def _receipt(self) -> Path:
        return self.folder / "receipt.json"

    def _complete(self) -> None:
        while True:
            note = self._asked_for()
            state = self._finished(note)
            if state:
                break
        fetched = self._fetched(note.job, state)
        seconds = fetched.seconds if state.seconds is None else state.seconds
        _write(self._receipt, asdict(self.book(note.job, seconds, _clock(note.since), fetched.sha256)))
        self._withdraw(note)

    # -- request

    def _asked_for(self) -> _Note:
        note = self._remembered()
        if note and not note.job:
            job = self._again(note)
            if job:
                return self._remember(replace(note, job=job))
            note = None
        return note or self._ask()

    def _ask(self) -> _Note:
        request = self._retried(lambda: self.provider.prepare(self.inputs))
        self.progress(_UPLOADED)
        note = self._remember(_Note(uuid.uuid4().hex, time.time(), request))
        try:
            job = self._retried(lambda: self.provider.create(request, note.tag), unless=UnclearError)
        except UnclearError:
            found = self._again(note)
            if not found:
                self._forget(note)
                raise ProviderBusyError(f"{self.provider.title} did not accept the job.") from None
            job = found
        except (TransientError, PermanentError):  # rejected: no job exists
            self._forget(note)
            raise
        return self._remember(replace(note, job=job))

    def _again(self, note: _Note) -> str | None:
        """The id of a job that was requested without an answer; None if it was certainly never created."""
        provider = self.provider
        if (
            0 <= time.time() - note.since < provider.repeats_s
        ):  # wall-clock time, because another process may have sent the request
            try:
                return self._retried(lambda: provider.create(note.request, note.tag))
            except PermanentError:
                self._forget(note)
                raise
        if not isinstance(provider, JobFinder):
            raise self._undecided(note)
        for look in range(_LOOKS):
            time.sleep(self.patience.first_s if look else 0.0)
            try:
                job = self._retried(lambda: provider.find(note.request, note.tag, note.since), unless=UnclearError)
            except UnclearError:
                raise self._undecided(note) from None
            if job:
                return job
        return None

    def _undecided(self, note: _Note) -> PermanentError:
        return PermanentError(
            f"{self.provider.title} did not answer the request for a job at {_clock(note.since)}: it may be running "
            "and billed, or lost.",
            f'Run again later, or look in your account: if the job is there, put its id as "job" into {self._note}; '
            "if it is not, delete that file, and the next run requests (and pays for) it again.",
        )

    # -- wait

    def _finished(self, note: _Note) -> State | None:
        """The state of a finished job; None if an earlier run of ours cancelled it."""
        try:
            state = self._waited(note)
        except BaseException as end:
            if not isinstance(end, Exception):  # an interrupt, a termination, a cancelled flow
                self._cancel(note)
            raise
        if state.phase == "done":
            return state
        self._forget(note)
        if note.cancelled:
            return None
        words = (
            f"{self.provider.title}: the job {'failed' if state.phase == 'failed' else 'was cancelled by the provider'}"
        )
        words += f": {state.said}" if state.said else "."
        raise TransientError(words) if state.passing else PermanentError(words)

    def _waited(self, note: _Note) -> State:
        pause_s = self.patience.first_s
        # Another process may have sent the request, so its age is by wall clock; from here on time is monotonic.
        ends = time.monotonic() + self.patience.deadline_s - max(0.0, time.time() - note.since)
        while True:
            asked_s = None
            try:
                state = self.provider.poll(note.job)
            except ProviderBusyError as busy:
                state, asked_s = State("running"), busy.data.get("pause_s")
            if state.phase != "running":
                return state
            if time.monotonic() > ends:
                self._cancel(note)
                raise ProviderBusyError(
                    f"{self.provider.title}: job {note.job} is not finished after {self.patience.deadline_s:.0f} s."
                )
            resumes = min(time.monotonic() + (pause_s if asked_s is None else asked_s), ends)
            while True:
                self.progress(_UPLOADED + (_FETCHING - _UPLOADED) * state.share)  # may raise if the process ends
                if (left_s := resumes - time.monotonic()) <= 0:
                    break
                time.sleep(min(left_s, _HEEDS_S))
            pause_s = min(pause_s * _SLOWER, self.patience.last_s)

    def _cancel(self, note: _Note) -> None:
        if isinstance(self.provider, JobCanceller):
            self._remember(replace(note, cancelled=True))
            with contextlib.suppress(TransientError, PermanentError):
                self.provider.cancel(note.job)

    # -- download

    def _fetched(self, job: str, state: State) -> Fetched:
        self.progress(_FETCHING)
        url, provider = state.url, self.provider
        with staged(self._result) as part:
            for left in reversed(range(_TRIES)):
                try:
                    return fetch(url, part, provider.url)
                except (ExpiredError, ProviderBusyError) as error:
                    if not left:
                        raise _undelivered(provider.title, job, error) from None
                time.sleep(self.patience.first_s)
                url = self._retried(lambda: provider.poll(job)).url or url
        raise AssertionError("unreachable")

    # -- notes

    def _remembered(self) -> _Note | None:
        try:
            return _Note(**json.loads(self._note.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise PermanentError(
                f"{self._note} cannot be read: it records whether a job was paid for.", "Repair it, or delete it."
            ) from error

    def _remember(self, note: _Note) -> _Note:
        _write(self._note, asdict(note))
        return note

    def _forget(self, note: _Note) -> None:
        """Close the job; its request is kept for reference."""
        os.replace(self._note, self.folder / f"ended-{note.tag}.json")
        self._withdraw(note)

    def _withdraw(self, note: _Note) -> None:
        if isinstance(self.provider, FileWithdrawer):
            self.provider.withdraw(note.request)

    def _retried(self, call: Callable[[], _T], *, unless: type[ProviderBusyError] | None = None) -> _T:
        """Retry while the provider is busy, and a few times while it is unreachable."""
        return Retries(
            tries=_TRIES,
            first_s=self.patience.first_s * _SLOWER,
            growth=_SLOWER,
            longest_s=self.patience.last_s,
            within_s=self.patience.deadline_s,
            unless=unless,
        ).call(call)


def phase(word: Any) -> Literal["running", "done", "failed", "cancelled"]:
    """The phase for a provider's status word in any spelling; an unknown one counts as running."""
    plain = str(word).strip().lower()
    if plain in ("succeeded", "succeed", "success", "completed", "complete", "done"):
        return "done"
    if plain in ("failed", "fail", "failure", "error", "rejected", "aborted", "expired", "not_found"):
        return "failed"
    return "cancelled" if plain in ("canceled", "cancelled") else "running"


def _undelivered(title: str, job: str, error: ExpiredError | ProviderBusyError) -> PermanentError | ProviderBusyError:
    what = f"{title}: the result of job {job}, which is paid for, was not delivered. {error.what}"
    if isinstance(error, ExpiredError):
        return PermanentError(what, "Look for it in your account there.")
    return ProviderBusyError(what)


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _write(path: Path, values: dict[str, Any]) -> None:
    """Write atomically, and flush to disk before anything relies on it."""
    with staged(path) as part, part.open("w", encoding="utf-8") as file:
        json.dump(values, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the job: a second run with the same inputs waits for it."""
    (folder / "lock").touch()  # records the time of last use
    with locked(folder / "lock"):
        yield


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the block like an interrupt, unless it is handled elsewhere."""
    plain = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not plain:
        yield
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
