"""Everything that can go wrong, by what the caller can do about it.

PolydubError
├── TransientError            may pass on its own: try again, with a pause
│   ├── ProviderBusyError       a hosted service answers "later" (429, 5xx, time-out)
│   ├── ProcessTimeoutError     a child process ran past its deadline
│   ├── DiskFullError           no room left where results are kept
│   └── StoppedError            somebody asked the process to stop
│       └── GivenUpError          of no use any more: what ran beside it has failed
└── PermanentError            trying again changes nothing
    ├── BadInputError           the user's file, flag, manifest or profile (exit code 2)
    ├── UnsupportedError        the profile cannot do this: no route, no voice, no such language
    ├── MissingBackendError     a program, package or weight file is not installed
    ├── ProcessFailedError      a child process ended with an error
    └── BranchFailedError       one language of a title could not be finished

Each error carries its data as attributes and survives pickling, so it can cross a process.
"""

from __future__ import annotations

import errno
import os
from typing import Any


class PolydubError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        what: one sentence: what is wrong, and with which file, language or setting.
        fix: one sentence: what the user can do; empty when there is nothing.
        data: further facts (return code, log tail ...), JSON-like.
    """

    def __init__(self, what: str, fix: str = "", **data: Any) -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix
        self.data = data

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.what, self.fix, self.data)


def _rebuild(kind: type[PolydubError], what: str, fix: str, data: dict[str, Any]) -> PolydubError:
    return kind(what, fix, **data)


class TransientError(PolydubError):
    """May pass on its own."""


class ProviderBusyError(TransientError):
    """A hosted service asks to be left alone for a while, or does not answer."""


class ProcessTimeoutError(TransientError):
    """A child process ran past its deadline and was ended."""


class DiskFullError(TransientError):
    """No room left where results are kept; somebody, or the end of another step, can make some."""


class StoppedError(TransientError):
    """The process was asked to stop before this step was begun."""


class GivenUpError(StoppedError):
    """Ended, or not begun, because another part of the same work failed."""


class PermanentError(PolydubError):
    """Trying again changes nothing."""


class BadInputError(PermanentError):
    """The user's file, flag, manifest or profile is wrong; nothing was written."""


class UnsupportedError(PermanentError):
    """The chosen profile cannot do what was asked (no translation route, no voice)."""


class MissingBackendError(PermanentError):
    """A program, a package or a weight file that the profile needs is not installed."""


class ProcessFailedError(PermanentError):
    """A child process ended with an error; ``data`` holds ``returncode`` and ``log``."""


class BranchFailedError(PermanentError):
    """One language of a title could not be finished; ``data`` holds the branch's result."""


_PASSING = {"torch.OutOfMemoryError", "httpx.TransportError", "requests.ConnectionError", "requests.Timeout"}


def is_transient(error: BaseException) -> bool:
    """Whether a later attempt could succeed: our own transient errors, and the operating system's.

    Network trouble arrives as ``ConnectionError`` and ``TimeoutError``, or as httpx's and requests' own; a missing file
    does not pass. What fills a GPU's memory may be another program. Errors of libraries are known by their names: the
    libraries are not loaded for this.
    """
    if isinstance(error, TransientError | ConnectionError | TimeoutError):
        return True
    names = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__}
    return bool(names & _PASSING)


def disk_full(error: BaseException, where: object) -> DiskFullError | None:
    """The error in our words if it says that a disk is full, whether Python met it or a program that we ran.

    Args:
        error: as it was raised.
        where: the folder that is written.
    """
    text = f"{error} {error.data.get('log', '')}" if isinstance(error, PolydubError) else ""
    code = error.errno if isinstance(error, OSError) else None
    if code not in (errno.ENOSPC, errno.EDQUOT) and os.strerror(errno.ENOSPC) not in text:
        return None
    return DiskFullError(f"No space is left in {where}.", "Free some space and try again; finished work is kept.")
