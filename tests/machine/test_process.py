"""Child processes: bounded, quiet about nothing, and never left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tasks.machine.process import capture, run, service, stream, wait_until
from tasks.records.errors import MissingBackendError, ProcessFailedError, ProcessTimeoutError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_lines_come_as_they_are_printed() -> None:
    assert list(stream(python("print('a'); print('b')"), deadline_s=20)) == ["a", "b"]


def test_text_goes_in_on_stdin() -> None:
    assert run(python("print(input().upper())"), stdin=b"hola\n") == "HOLA"


def test_an_argument_with_shell_characters_is_only_an_argument() -> None:
    assert run([*python("import sys; print(sys.argv[1])"), "$(rm -rf x); '\" %"]) == "$(rm -rf x); '\" %"


def test_a_failure_carries_the_programs_last_words_and_survives_pickling() -> None:
    with pytest.raises(ProcessFailedError) as caught:
        run(python("import sys; print('no such codec'); sys.exit(3)"))
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.data["returncode"] == 3
    assert "no such codec" in str(error)


def test_a_program_that_is_not_there_says_how_to_get_it() -> None:
    with pytest.raises(MissingBackendError, match="make setup"):
        run(["no-such-program-anywhere"])
    with pytest.raises(MissingBackendError):
        capture(["no-such-program-anywhere"])


def test_the_deadline_ends_the_process_and_its_children() -> None:
    told: list[str] = []
    with pytest.raises(ProcessTimeoutError):
        run(["sh", "-c", "sleep 600 & echo $!; wait"], deadline_s=3, on_line=told.append)
    assert wait_until(lambda: not alive(int(told[0])), deadline_s=60)


def test_a_reader_that_stops_early_leaves_no_process_behind() -> None:
    lines = stream(python("import os,time; print(os.getpid(), flush=True); time.sleep(600)"), deadline_s=60)
    pid = int(next(lines))
    lines.close()
    assert wait_until(lambda: not alive(pid), deadline_s=60)


def test_a_child_dies_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from tasks.machine.process import stream\n"
        "for line in stream([sys.executable, '-c', 'import os,time; print(os.getpid(), flush=True); time.sleep(600)'],"
        " deadline_s=60): print(line, flush=True)"
    )
    parent = subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert wait_until(lambda: not alive(child), deadline_s=60)


def test_a_service_runs_for_the_block_and_no_longer() -> None:
    with service(["sleep", "600"]) as running:
        assert running()
    began = time.monotonic()
    assert not running()
    assert time.monotonic() - began < 60
