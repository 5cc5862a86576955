"""The only place that starts processes: argument lists, own pipes, own session, killed with the parent, deadlines."""

from __future__ import annotations

import collections
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path

from tasks.machine.meter import note_program
from tasks.machine.together import ended_when_given_up, refuse_when_given_up
from tasks.records.errors import MissingBackendError, ProcessFailedError, ProcessTimeoutError

_LOG_LINES = 60


def _gone_with_parent(argv: list[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> list[str]:
    """The command, wrapped so that the kernel kills it with the thread that started it (prctl(2), PR_SET_PDEATHSIG).

    It uses util-linux's ``setpriv``, not code between fork and exec: Python would then fork with all its threads' locks
    held, and numpy's OpenBLAS deadlocks in such a child while another thread is multiplying
    (tests/faults/test_forks.py). Without ``setpriv`` (outside Linux) the child outlives its parent.

    Raises:
        MissingBackendError: the program is not installed.
    """
    program = os.path.join(cwd, argv[0]) if cwd and os.sep in argv[0] else argv[0]
    if shutil.which(program, path=(env or {}).get("PATH")) is None:
        raise _not_installed(argv[0])
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *argv] if setpriv else argv


def stream(
    command: Sequence[str | Path],
    *,
    deadline_s: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> Generator[str, None, None]:
    """Run a program and yield each line of its output (stdout and stderr together) as it is printed.

    Args:
        command: program and arguments, never a shell line.
        deadline_s: seconds after which the whole process group is killed.
        cwd: working directory.
        env: variables added to this process's environment.
        stdin: bytes to feed; None for ``/dev/null``.

    Raises:
        MissingBackendError: the program is not installed.
        ProcessTimeoutError: the deadline passed.
        ProcessFailedError: it exited with an error; ``data["log"]`` has its last lines.
        GivenUpError: what it works for was given up (`tasks.machine.together`).
    """
    refuse_when_given_up()
    argv = [str(part) for part in command]
    note_program(Path(argv[0]).name)
    child = _start(argv, cwd, env, stdin)
    tail: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _kill(child)

    timer = threading.Timer(deadline_s, expire)
    timer.daemon = True
    timer.start()
    try:
        assert child.stdout is not None
        if stdin is not None:
            threading.Thread(target=_feed, args=(child, stdin), daemon=True).start()
        with ended_when_given_up(lambda: _kill(child)):
            for raw in child.stdout:
                line = raw.decode("utf-8", "replace").rstrip("\r\n")
                tail.append(line)
                yield line
            code = child.wait()
    finally:
        timer.cancel()
        _kill(child)
        if child.stdout is not None:
            child.stdout.close()
    program = Path(argv[0]).name
    if expired.is_set():
        raise ProcessTimeoutError(
            f"{program} took longer than {deadline_s:.0f} s and was stopped.", log="\n".join(tail)
        )
    if code != 0:
        refuse_when_given_up()
        raise ProcessFailedError(
            f"{program} ended with code {code}: {_last_words(tail)}",
            returncode=code,
            log="\n".join(tail),
            command=shlex.join(argv),
        )


def run(
    command: Sequence[str | Path],
    *,
    deadline_s: float = 600.0,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a program to its end and return its output (stdout and stderr together); errors as `stream`.

    Args:
        command: program and arguments, never a shell line.
        deadline_s: seconds after which the whole process group is killed.
        cwd: working directory.
        env: variables added to this process's environment.
        stdin: bytes to feed; None for ``/dev/null``.
        on_line: called with each line as it is printed.
    """
    lines = []
    for line in stream(command, deadline_s=deadline_s, cwd=cwd, env=env, stdin=stdin):
        if on_line:
            on_line(line)
        lines.append(line)
    return "\n".join(lines)


def capture(command: Sequence[str | Path], *, deadline_s: float = 120.0, stdin: bytes | None = None) -> bytes:
    """Run a program and return the data that it writes to stdout, without stderr.

    Args:
        command: program and arguments, never a shell line.
        deadline_s: seconds after which the whole process group is killed.
        stdin: bytes to feed; None for ``/dev/null``.

    Raises:
        MissingBackendError, ProcessTimeoutError, ProcessFailedError, GivenUpError: as `stream`.
    """
    refuse_when_given_up()
    argv = [str(part) for part in command]
    child = _start(argv, None, None, stdin, stderr=subprocess.PIPE)
    try:
        with ended_when_given_up(lambda: _kill(child)):
            made, said = child.communicate(stdin, timeout=deadline_s)
    except subprocess.TimeoutExpired as error:
        raise ProcessTimeoutError(
            f"{Path(argv[0]).name} took longer than {deadline_s:.0f} s and was stopped."
        ) from error
    finally:
        if child.poll() is None:
            _kill(child)
            child.communicate()
    if child.returncode != 0:
        refuse_when_given_up()
        log = said.decode("utf-8", "replace").strip()
        raise ProcessFailedError(
            f"{Path(argv[0]).name} ended with code {child.returncode}: {_last_words(log.splitlines())}",
            returncode=child.returncode,
            log=log,
            command=shlex.join(argv),
        )
    return made


@contextlib.contextmanager
def service(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, log: Path | None = None, stop_s: float = 2.0
) -> Iterator[Callable[[], bool]]:
    """Keep a program running for the length of a block.

    Args:
        command: program and arguments.
        env: variables added to this process's environment.
        log: a file to which its output is appended; None discards it.
        stop_s: seconds between the request to stop at the end and the kill.

    Yields:
        A function that says whether it is still alive.

    Raises:
        MissingBackendError: the program is not installed.
    """
    argv = [str(part) for part in command]
    try:
        with (log or Path(os.devnull)).open("ab") as out:
            child = subprocess.Popen(
                _gone_with_parent(argv, env),
                env={**os.environ, **env} if env else None,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
    except FileNotFoundError as error:
        raise _not_installed(argv[0]) from error
    try:
        yield lambda: child.poll() is None
    finally:
        _kill(child, stop_s)


def _start(
    argv: list[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    stdin: bytes | None,
    stderr: int = subprocess.STDOUT,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            _gone_with_parent(argv, env, cwd),
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise _not_installed(argv[0]) from error


def _feed(child: subprocess.Popen[bytes], data: bytes) -> None:
    assert child.stdin is not None
    try:
        child.stdin.write(data)
        child.stdin.close()
    except BrokenPipeError:
        pass


def _kill(child: subprocess.Popen[bytes], stop_s: float = 2.0) -> None:
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(timeout=stop_s)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _last_words(lines: Sequence[str] | collections.deque[str]) -> str:
    spoken = [line.strip() for line in lines if line.strip()]
    return spoken[-1][:300] if spoken else "no message."


def _not_installed(program: str) -> MissingBackendError:
    name = Path(program).name
    return MissingBackendError(f"The program {name} is not installed.", f"Run `make setup`, or install {name}.")


def wait_until(condition: Callable[[], bool], *, deadline_s: float, poll_s: float = 0.1) -> bool:
    """Poll until a condition holds; False if the deadline passes first.

    Args:
        condition: called until it returns true.
        deadline_s: seconds until giving up.
        poll_s: seconds between two calls.
    """
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(poll_s)
    return condition()
