"""Outgoing calls reach allowed, public addresses and nothing else, whatever names and servers say."""

import asyncio
import socket
import ssl
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ContractError
from serving.egress import (
    Egress,
    EgressSettings,
    ForbiddenError,
    UnreachableError,
    allows,
    check_address,
    check_url,
    from_environment,
)

LOCAL = EgressSettings(private=("127.0.0.0/8", "::1/128"), plain_http=True, timeout_s=5.0)


class Handler(BaseHTTPRequestHandler):
    """Answers by path, and remembers who came."""

    def do_POST(self):
        """Take the body, answer by path."""
        self.server.seen.append((self.path, self.rfile.read(int(self.headers["content-length"] or 0))))
        if self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.1)
            return
        status, body = {"/moved": (302, b""), "/big": (200, b"x" * 300_000)}.get(self.path, (200, b"fine"))
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


@contextmanager
def server(tls=None):
    """A real server on a loopback port."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.seen, made.daemon_threads = [], True
    made.handle_error = lambda *_: None
    if tls:
        made.socket = tls.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def send(url, settings=LOCAL, body=b"hello", **more):
    """One call, with a client of its own."""

    async def go():
        egress = Egress(settings, **more)
        try:
            return await egress.send("POST", url, {"x-a": "b"}, body)
        finally:
            await egress.aclose()

    return asyncio.run(go())


def test_an_allowed_call_arrives_and_is_answered():
    """What is sent arrives as it is; the answer comes back with its headers."""
    with server() as there:
        answer = send(f"http://127.0.0.1:{there.server_port}/a")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"fine", "4")
    assert there.seen == [("/a", b"hello")]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"])  # noqa: S104
def test_loopback_is_not_called_by_any_of_its_names(name):
    """By number, by name, in short forms or inside IPv6: nothing reaches the machine itself."""
    with server() as there, pytest.raises(ForbiddenError, match="not public"):
        send(f"http://{name}:{there.server_port}/", EgressSettings(plain_http=True))
    assert there.seen == []


def test_a_name_is_asked_once_and_its_answer_is_what_is_connected_to():
    """A name that is public when it is checked and private when it is used gains nothing."""
    answers = iter([["127.0.0.1"], ["192.0.2.1"]])
    asked = []

    async def rebinding(host, port):
        asked.append((host, port))
        return next(answers)

    with server() as there:
        url = f"http://rebinding.example:{there.server_port}/"
        assert send(url, resolve=rebinding).status == 200
    assert asked == [("rebinding.example", there.server_port)]


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    """Which of its addresses would answer first is not left to chance."""

    async def both(_host, _port):
        return ["93.184.216.34", "10.0.0.5"]

    with pytest.raises(ForbiddenError, match="not public"):
        send("https://both.example/", EgressSettings(), resolve=both)


def test_a_redirect_is_not_followed():
    """The answer is the redirect itself."""
    with server() as there:
        assert send(f"http://127.0.0.1:{there.server_port}/moved").status == 302
    assert [path for path, _ in there.seen] == ["/moved"]


def test_an_answer_is_cut_and_a_slow_one_given_up():
    """Neither a huge nor an endless answer holds anything up."""
    with server() as there:
        url = f"http://127.0.0.1:{there.server_port}"
        assert len(send(f"{url}/big").body) == 64 * 1024
        started = time.monotonic()
        with pytest.raises(UnreachableError, match=r"within 0\.5 s"):
            send(f"{url}/slow", EgressSettings(private=LOCAL.private, plain_http=True, timeout_s=0.5))
        assert time.monotonic() - started < 4


def test_nobody_there():
    """A closed port and an unknown name are failures that may pass."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(UnreachableError, match="The call failed"):
        send(f"http://127.0.0.1:{port}/")

    async def unknown(_host, _port):
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(UnreachableError, match="has no address"):
        send("https://nowhere.example/", EgressSettings(), resolve=unknown)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of its own authority for hook.example, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hook.example"]
    command += [
        "-addext",
        "subjectAltName=DNS:hook.example",
        "-keyout",
        folder / "key.pem",
        "-out",
        folder / "cert.pem",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_certificates_are_checked_against_the_name_and_not_the_address(certificate):
    """The call goes to the address that was checked, the certificate has to be the host's, and trusted."""

    async def here(_host, _port):
        return ["127.0.0.1"]

    cert, key = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    trusting = ssl.create_default_context(cafile=cert)
    with server(tls) as there:
        url = f"https://hook.example:{there.server_port}/"
        assert send(url, tls=trusting, resolve=here).status == 200
        with pytest.raises(UnreachableError, match=r"(?i)certificate"):
            send(url.replace("hook", "other"), tls=trusting, resolve=here)
        with pytest.raises(UnreachableError, match=r"(?i)certificate"):
            send(url, resolve=here)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com/", "Expected https"),
        ("ftp://example.com/", "Expected https"),
        ("file:///etc/passwd", "Expected https"),
        ("https://user:word@example.com/", "with a user in it"),
        ("https:///x", "without a host"),
        ("https://example.com:99999999/", "no port"),
        ("https://other.org/", "allowed hosts"),
        ("https://badexample.com/", "allowed hosts"),
        ("https://example.com.evil.org/", "allowed hosts"),
    ],
)
def test_addresses_that_are_refused_by_their_text(url, expected):
    """Before any name is asked."""
    with pytest.raises(ForbiddenError, match=expected):
        check_url(EgressSettings(hosts=("example.com", "*.example.com")), url)


def test_hosts():
    """A name, or all below it; case and a final dot do not matter."""
    assert allows(("*.example.com",), "A.b.EXAMPLE.com.")
    assert not allows(("*.example.com",), "example.com")
    assert allows(("example.com",), "Example.com")


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "192.0.0.192", "224.0.0.1"),
        *("255.255.255.255", "::", "::1", "fe80::1%eth0", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1"),
        *("64:ff9b::a00:1", "2002:a00:1::", "168.63.129.16", "192.0.2.1"),
    ],
)
def test_addresses_that_are_not_public(address):
    """Private, link-local, of a cloud's metadata, multicast, documentation; also inside IPv6."""
    with pytest.raises(ForbiddenError):
        check_address(EgressSettings(), address)


@given(st.ip_addresses())
def test_an_address_is_called_when_it_and_what_it_carries_are_public(address):
    """Compared with the registry of special networks, written down anew."""
    special = (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/4 "
        "240.0.0.0/4 192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
        "::1/128 ::/128 fc00::/7 fe80::/10 ff00::/8"
    )
    import ipaddress

    networks = [ipaddress.ip_network(text) for text in special.split()]
    inside = any(address in network for network in networks if network.version == address.version)
    if inside:
        with pytest.raises(ForbiddenError):
            check_address(EgressSettings(), str(address))


def test_the_settings_of_the_environment():
    """Hosts and networks are separated by commas or white space; a network that is none is one sentence."""
    told = {"READINESS_OUTGOING_HOSTS": "A.com, *.b.com", "READINESS_OUTGOING_PRIVATE": "10.0.0.0/8"}
    assert from_environment(told) == EgressSettings(("a.com", "*.b.com"), ("10.0.0.0/8",))
    assert from_environment({"READINESS_OUTGOING_HTTP": "1"}).plain_http
    check_address(from_environment(told), "10.1.2.3")
    with pytest.raises(ContractError, match="'ten' is not a network"):
        EgressSettings(private=("ten",))
