"""Titles from addresses: what is allowed, what comes, what servers do wrong, and what is kept of an address."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from configs.sources import SourceSettings
from tasks.keep.store import Store
from tasks.records.errors import BadInputError, MissingBackendError, TransientError
from tasks.services import addresses, titles
from tasks.services.addresses import address_of, check_allowed, is_address, is_public
from tasks.services.titles import bring
from tests.object_store import BUCKET, object_store

BODY = b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 1200
Answers = Callable[[BaseHTTPRequestHandler, int], None]


def whole(handler: BaseHTTPRequestHandler, body: bytes = BODY, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    given = {"Content-Type": "video/mp4", "Content-Length": str(len(body)), "ETag": '"one"', **headers}
    for name, value in given.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        handler.wfile.write(body)


@contextlib.contextmanager
def server(answers: Answers, context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server whose n-th request is answered by ``answers``; its address, and what it was asked."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            answers(self, len(asked))

        def log_message(self, *_: Any) -> None:
            return

    there = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.daemon_threads = True
    if context:
        there.socket = context.wrap_socket(there.socket, server_side=True)
    threading.Thread(target=there.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{there.server_address[1]}", asked
    finally:
        there.shutdown()
        there.server_close()


def allowed(url: str, **more: Any) -> SourceSettings:
    return SourceSettings.model_validate({"allow": url, "private": True, "wait_s": 5, **more})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def kept(store: Store) -> str:
    """All text of the store's records."""
    return "".join(path.read_text("utf-8", "replace") for path in (store.root / "records").rglob("*.json"))


# -- which addresses


@pytest.mark.parametrize(
    ("allow", "url", "is_allowed"),
    [
        ("media.example.org", "https://media.example.org/a.mp4", True),
        ("media.example.org", "https://MEDIA.example.org:443/a.mp4", True),
        ("media.example.org", "http://media.example.org/a.mp4", False),
        ("media.example.org", "https://media.example.org:8443/a.mp4", False),
        ("media.example.org:8443", "https://media.example.org:8443/a.mp4", True),
        ("media.example.org", "https://media.example.org.evil.example/a.mp4", False),
        ("*.example.org", "https://a.b.example.org/a.mp4", True),
        ("*.example.org", "https://example.org/a.mp4", False),
        ("http://nas:8080", "http://nas:8080/a.mp4", True),
        ("s3://bucket/in", "s3://bucket/in/a.mp4", True),
        ("s3://bucket/in", "s3://bucket/inside.mp4", False),
        ("s3://bucket", "s3://bucket2/a.mp4", False),
        ("s3://bucket", "gs://bucket/a.mp4", False),
        ("", "https://media.example.org/a.mp4", False),
        ("x y media.example.org", "https://media.example.org/a.mp4", True),
    ],
)
def test_an_entry_is_of_a_host_or_bucket(allow: str, url: str, is_allowed: bool) -> None:
    settings = SourceSettings.model_validate({"allow": allow})
    if is_allowed:
        check_allowed(address_of(url), settings)
        return
    with pytest.raises(BadInputError, match="not allowed here"):
        check_allowed(address_of(url), settings)


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://host/a.mp4", "zip://a::https://host/a.zip", "concat://a", "https://"),
        *("https://host/a b.mp4", "https://host\\@evil/a.mp4", "https://user:word@host/a.mp4", "https://host:x/a.mp4"),
        *("s3://bucket", "s3://bucket/../other/a.mp4", "https://host/" + "a" * 5000, "https://ho\nst/a.mp4"),
    ],
)
def test_other_addresses_are_refused_and_no_password_is_repeated(url: str) -> None:
    assert is_address(url)
    with pytest.raises(BadInputError) as refused:
        address_of(url)
    assert "word" not in str(refused.value).replace("password", "")


@pytest.mark.parametrize(
    "number",
    [
        *("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "::1"),
        *("fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::"),
    ],
)
def test_machines_of_this_network_are_not_public(number: str) -> None:
    assert not is_public(number)


def test_public_machines_are() -> None:
    assert all(map(is_public, ("8.8.8.8", "2606:4700::1111")))


def test_an_address_is_told_without_its_query_and_lasts_without_its_signature() -> None:
    one = address_of("https://Media.example.org/in/My%20Talk.mp4?id=7&X-Amz-Signature=abc&X-Amz-Date=1")
    other = address_of("https://media.example.org/in/My%20Talk.mp4?id=7&X-Amz-Signature=def&X-Amz-Date=2")
    assert one.shown == "https://media.example.org/in/My%20Talk.mp4?…"
    assert one.name == "My Talk.mp4"
    assert one.lasting == other.lasting
    assert "id=7" in one.lasting
    assert "abc" not in one.lasting
    assert address_of("https://h/..%2f..%2fetc%2f.passwd").name == "_.._etc_.passwd"


# -- what comes


def test_a_title_is_fetched_once(store: Store) -> None:
    def answers(handler: BaseHTTPRequestHandler, _: int) -> None:
        whole(handler, b"", 304) if handler.headers.get("If-None-Match") == '"one"' else whole(handler)

    with server(answers) as (url, asked):
        address = f"{url}/in/talk.mp4?token=SECRET"
        first = bring(address, allowed(url), store)
        again = bring(address.replace("SECRET", "OTHER"), allowed(url), store)
    assert Path(first.asset.uri).read_bytes() == BODY
    assert Path(first.asset.uri).suffix == ".mp4"
    assert (first.name, first.known, again.known) == ("talk.mp4", False, True)
    assert again.asset == first.asset
    assert [one.get("if-none-match") for one in asked] == [None, '"one"']
    assert "SECRET" not in kept(store)
    assert list((store.root / "fetching").iterdir()) == []


def test_without_conditions_the_same_tag_is_enough_and_another_is_fetched(store: Store) -> None:
    def answers(handler: BaseHTTPRequestHandler, number: int) -> None:
        whole(handler, BODY if number < 3 else BODY[::-1], ETag='"one"' if number < 3 else '"two"')

    with server(answers) as (url, _):
        first, second, third = (bring(f"{url}/talk.mp4", allowed(url), store) for _ in range(3))
    assert (first.known, second.known, third.known) == (False, True, False)
    assert Path(third.asset.uri).read_bytes() == BODY[::-1]


def test_a_cut_is_gone_on_from(store: Store) -> None:
    def answers(handler: BaseHTTPRequestHandler, number: int) -> None:
        asked = handler.headers.get("Range", "")
        if number == 1:
            whole(handler, BODY[:100_000], **{"Content-Length": str(len(BODY))})
            handler.close_connection = True
            return
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        span = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        whole(handler, BODY[start:], 206, **{"Content-Range": span})

    with server(answers) as (url, asked):
        found = bring(f"{url}/talk.mp4", allowed(url), store)
    assert Path(found.asset.uri).read_bytes() == BODY
    assert [(one.get("range"), one.get("if-range")) for one in asked] == [(None, None), ("bytes=100000-", '"one"')]


def test_a_later_run_goes_on_too_and_starts_anew_where_the_file_is_another(store: Store) -> None:
    def cut(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number > 1:
            whole(handler, b"", 503)
        else:
            whole(handler, BODY[:100_000], **{"Content-Length": str(len(BODY))})

    def changed(handler: BaseHTTPRequestHandler, _: int) -> None:
        assert handler.headers["If-Range"] == '"one"'
        whole(handler, BODY[::-1], ETag='"two"')

    with server(cut) as (url, _), pytest.raises(TransientError, match="goes on where it stopped"):
        bring(f"{url}/talk.mp4", allowed(url), store)
    (part,) = (store.root / "fetching").glob("*.part")
    assert part.stat().st_size == 100_000
    moved = url
    with server(changed) as (url, _):
        for path in (store.root / "fetching").iterdir():  # the other server has another port
            there = address_of(f"{url}/talk.mp4")
            path.rename(path.with_stem(titles.text_sha256(there.lasting)))
        assert moved != url
        assert Path(bring(f"{url}/talk.mp4", allowed(url), store).asset.uri).read_bytes() == BODY[::-1]


@pytest.mark.parametrize("declared", [len(BODY) + 5000, 1 << 40])
def test_a_server_that_promises_more_than_it_has_is_no_title(store: Store, declared: int) -> None:
    def answers(handler: BaseHTTPRequestHandler, _: int) -> None:
        whole(handler, BODY, **{"Content-Length": str(declared)})
        handler.close_connection = True

    with server(answers) as (url, _), pytest.raises((TransientError, BadInputError)):
        bring(f"{url}/talk.mp4", allowed(url), store)
    assert list((store.root / "blobs").rglob("*.mp4")) == []


def test_what_is_too_large_is_refused_whether_or_not_the_server_says_so(store: Store) -> None:
    def answers(handler: BaseHTTPRequestHandler, number: int) -> None:
        if number == 1:
            whole(handler)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "video/mp4")
        handler.end_headers()
        with contextlib.suppress(ConnectionError):
            while True:
                handler.wfile.write(BODY)

    with server(answers) as (url, _):
        for _ in range(2):
            with pytest.raises(BadInputError, match=r"larger than 0\.0001 GB"):
                bring(f"{url}/talk.mp4", allowed(url, largest_gb=0.0001), store)
    assert list((store.root / "fetching").iterdir()) == []


def test_a_slow_server_is_left(store: Store) -> None:
    over = threading.Event()

    def answers(handler: BaseHTTPRequestHandler, _: int) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(ConnectionError):
            while not over.wait(0.02):
                handler.wfile.write(b"\x00" * 64)

    with server(answers) as (url, _):
        with pytest.raises(TransientError, match="did not come within"):
            bring(f"{url}/talk.mp4", allowed(url, within_s=0.3), store)
        over.set()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!doctype html><p>Sign in", "text/html; charset=utf-8"),
        (b"\n <HTML>", "video/mp4"),
        (b"#EXTM3U\nfile:///etc/passwd", "application/octet-stream"),
        (b"#EXTM3U", "application/vnd.apple.mpegurl"),
        (b'{"error": 1}', "application/json"),
        (b"\x89PNG", "image/png"),
    ],
)
def test_pages_and_lists_are_no_titles(store: Store, body: bytes, kind: str) -> None:
    def answers(handler: BaseHTTPRequestHandler, _: int) -> None:
        whole(handler, body, **{"Content-Type": kind})

    with server(answers) as (url, _), pytest.raises(BadInputError, match="is no file with picture or sound"):
        bring(f"{url}/talk.mp4?key=SECRET", allowed(url), store)


@pytest.mark.parametrize("status", [401, 404, 410])
def test_a_status_is_told_without_the_query(store: Store, status: int) -> None:
    with (
        server(lambda handler, _: whole(handler, b"no", status)) as (url, asked),
        pytest.raises(BadInputError, match=f"status {status}") as refused,
    ):
        bring(f"{url}/talk.mp4?key=SECRET", allowed(url), store)
    assert len(asked) == 1
    assert "SECRET" not in f"{refused.value} {refused.value.__cause__}"


def test_the_name_a_server_gives_is_made_safe(store: Store) -> None:
    given = 'attachment; filename="../../.bashrc\\u202e/evil.mp4"'
    with server(lambda handler, _: whole(handler, Content_Disposition=given)) as (url, _):
        found = bring(f"{url}/get?id=1", allowed(url), store)
    assert found.name == "evil.mp4"
    with server(lambda handler, _: whole(handler, Content_Disposition="attachment; filename=..")) as (url, _):
        assert bring(f"{url}/get", allowed(url), store).name == "get"


# -- where it leads


def test_a_redirect_is_held_to_the_same_list(store: Store) -> None:
    def leads(place: str) -> Answers:
        return lambda handler, _: whole(handler, b"", 302, Location=place)

    with server(lambda handler, _: whole(handler)) as (there, reached), server(leads(f"{there}/a.mp4")) as (url, _):
        with pytest.raises(BadInputError, match=r"leads elsewhere: Titles from http://127\.0\.0\.1 are not allowed"):
            bring(f"{url}/talk.mp4", allowed(url), store)
        assert reached == []
        assert Path(bring(f"{url}/talk.mp4", allowed(f"{url} {there}"), store).asset.uri).read_bytes() == BODY
    for place in ("file:///etc/passwd", "s3://bucket/a.mp4", "https://user:word@host/a"):
        with server(leads(place)) as (url, _), pytest.raises(BadInputError, match="leads"):
            bring(f"{url}/talk.mp4", allowed(f"{url} s3://bucket"), store)
    with server(leads("/talk.mp4")) as (url, asked):
        with pytest.raises(BadInputError, match="leads on too often"):
            bring(f"{url}/talk.mp4", allowed(url), store)
        assert len(asked) == 6


def test_this_network_is_refused_also_where_a_name_leads_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(lambda handler, _: whole(handler)) as (url, asked):
        for settings in ({"private": False}, {}):
            with pytest.raises(BadInputError, match="inside this network"):
                bring(f"{url}/talk.mp4", SourceSettings.model_validate({"allow": url, **settings}), store)
        port = int(url.rpartition(":")[2])
        answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]
        answer += [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: answer)
        named = f"http://media.example.org:{port}"
        with pytest.raises(BadInputError, match="inside this network"):
            bring(f"{named}/talk.mp4", SourceSettings.model_validate({"allow": named}), store)
        assert asked == []


def test_the_machine_that_was_checked_is_the_one_that_is_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere at its second look-up (DNS rebinding) is looked up once."""
    real, looked = socket.getaddrinfo, []

    def changing(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "media.example.org":
            return real(host, *rest, **more)
        looked.append(host)
        return real("127.0.0.1" if len(looked) == 1 else "127.0.0.2", *rest, **more)

    with server(lambda handler, _: whole(handler)) as (url, asked):
        monkeypatch.setattr(socket, "getaddrinfo", changing)
        named = url.replace("127.0.0.1", "media.example.org")
        bring(f"{named}/talk.mp4", allowed(named), store)
    assert looked == ["media.example.org"]
    assert asked[0]["host"] == named.removeprefix("http://")


# -- object stores, and pages


def test_an_object_is_fetched_once_and_gone_on_with(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with object_store() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        from tasks.keep.remote import file_system

        monkeypatch.setattr("tasks.services.objects._PIECE", 100_000)
        files, address = file_system("s3"), f"s3://{BUCKET}/in/talk.mp4"
        files.pipe_file(f"{BUCKET}/in/talk.mp4", BODY)
        settings = SourceSettings.model_validate({"allow": f"s3://{BUCKET}/in"})
        real, read = files.cat_file, []

        def cut(path: str, start: int, end: int) -> Any:
            read.append((start, end))
            if len(read) == 2:
                raise RuntimeError("cut")
            return real(path, start=start, end=end)

        monkeypatch.setattr(files, "cat_file", cut)
        with pytest.raises(TransientError, match="RuntimeError"):
            bring(address, settings, store)
        first = bring(address, settings, store)
        assert Path(first.asset.uri).read_bytes() == BODY
        assert read[2][0] == 100_000
        count = len(read)
        assert bring(address, settings, store).known
        assert len(read) == count
        for wrong in (f"s3://{BUCKET}/in/none.mp4", f"s3://{BUCKET}/out/talk.mp4"):
            with pytest.raises(BadInputError, match=r"does not exist|not allowed"):
                bring(wrong, settings, store)


def program(folder: Path, text: str) -> None:
    path = folder / "yt-dlp"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_page_is_for_yt_dlp_where_the_operator_allows_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    page = b"<html>"
    with server(lambda handler, _: whole(handler, page, Content_Type="text/html")) as (url, _):
        address = f"{url}/watch?v=7"
        with pytest.raises(BadInputError, match="is no file"):
            bring(address, allowed(url), store)
        monkeypatch.setattr("tasks.services.pages._PROGRAM", "yt-dlp-missing")
        with pytest.raises(MissingBackendError, match="is not installed"):
            bring(address, allowed(url, yt_dlp=True), store)
        monkeypatch.setattr("tasks.services.pages._PROGRAM", "yt-dlp")
        program(tmp_path, f'echo "$@" > {tmp_path}/arguments; cat > {tmp_path}/input; printf film > "My Talk.mp4"')
        found = bring(address, allowed(url, yt_dlp=True), store)
        assert (found.name, Path(found.asset.uri).read_bytes()) == ("My Talk.mp4", b"film")
        assert (tmp_path / "input").read_text() == f"{address}\n"
        assert "--ignore-config" in (tmp_path / "arguments").read_text()
        assert "watch" not in (tmp_path / "arguments").read_text()
        program(tmp_path, "exit 1")
        with pytest.raises(BadInputError, match="found no video"):
            bring(f"{url}/watch?v=8", allowed(url, yt_dlp=True), store)


@contextlib.contextmanager
def encrypted(name: str, folder: Path) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A server whose certificate is of a name; its port, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(who, who, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    chain = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "both.pem").write_bytes(key.private_bytes(pem, *plain) + chain.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    with server(lambda handler, _: whole(handler), context) as (url, _):
        yield int(url.rpartition(":")[2]), ssl.create_default_context(cadata=chain.public_bytes(pem).decode())


def test_the_machine_must_prove_the_name_that_was_asked_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    with encrypted("media.example.org", tmp_path) as (port, trust):
        monkeypatch.setattr("tasks.services.http.trusted", lambda: trust)
        monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **more: real("127.0.0.1", *rest, **more))
        settings = allowed(f"media.example.org:{port} other.example.org:{port}")
        good = bring(f"https://media.example.org:{port}/talk.mp4", settings, store)
        assert Path(good.asset.uri).read_bytes() == BODY
        with pytest.raises(TransientError, match="ConnectError"):
            bring(f"https://other.example.org:{port}/talk.mp4", settings, store)
