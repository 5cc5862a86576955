"""What comes of one request: an answer, or which kind of none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest

from tasks.services.http import (
    ImpossibleError,
    LateError,
    NoAnswerError,
    TooLongError,
    UnreachableError,
    exchange,
    quoted,
)

KEY = {"Authorization": "Bearer s3cret"}
Says = Callable[[bytes], str]


@pytest.fixture
def says() -> Iterator[Says]:
    """The address of a server that says these bytes to whoever asks, and then nothing more."""
    with ExitStack() as running:

        def start(said: bytes) -> str:
            server = running.enter_context(socket.create_server(("127.0.0.1", 0)))
            running.callback(server.shutdown, socket.SHUT_RDWR)

            def serve() -> None:
                with suppress(OSError), server.accept()[0] as client:
                    client.recv(1 << 16)
                    client.sendall(said)
                    while said and client.recv(1 << 16):  # until the other side has had enough
                        pass

            threading.Thread(target=serve, daemon=True).start()
            return f"http://127.0.0.1:{server.getsockname()[1]}"

        yield start


def ask(url: str, **limits: float) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as caught:
        exchange("GET", url, wait_s=limits.pop("wait_s", 5.0), headers=KEY, **limits)  # type: ignore[arg-type]
    return caught.value


def test_an_answer_is_read_whatever_its_status(says: Says) -> None:
    url = says(
        b"HTTP/1.1 429 No\r\nContent-Type: text/plain; charset=latin-1\r\nRetry-After: 7\r\n"
        b"Content-Length: 1\r\n\r\n\xe9"
    )
    answer = exchange("GET", url, wait_s=5)
    assert (answer.status, answer.text, answer.pause) == (429, "é", {"pause_s": 7.0})


def test_a_redirect_is_an_answer(says: Says) -> None:
    url = says(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    assert exchange("GET", url, wait_s=5).status == 302


@pytest.mark.parametrize(
    ("said", "limits", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", {"wait_s": 0.2}, LateError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlong", {"within_s": -1}, LateError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlong", {"most_bytes": 3}, TooLongError),
        (b"", {}, NoAnswerError),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nlong", {}, ImpossibleError),
    ],
    ids=["silent", "slow", "long", "hung up", "not what it says"],
)
def test_an_answer_that_is_none_is_told_by_its_kind(
    says: Says, said: bytes, limits: dict[str, float], kind: type[NoAnswerError]
) -> None:
    error = ask(says(said), **limits)
    assert type(error) is kind
    assert "s3cret" not in repr(error)
    assert error.__context__ is None


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert isinstance(ask(f"http://127.0.0.1:{port}"), UnreachableError)


@pytest.mark.parametrize("url", ["http://127.0.0.1:notaport", "ftp://127.0.0.1/x"])
def test_an_address_that_is_none_cannot_be_asked(url: str) -> None:
    assert isinstance(ask(url), NoAnswerError)


def test_words_are_one_line_without_the_key_and_drive_no_terminal() -> None:
    assert quoted("bad key\n s3cret\x1b[2J", "s3cret", 300) == "bad key ***\\u001b[2J"
    assert quoted("long", "", 2) == "lo"
