"""An address that makes the service refuse too much is closed for ten seconds; nobody else is, and no valid request counts."""
import re
import socket
import time

import pytest

import validator
from test_life import descriptors
from validator import ALICE, EVE, body_of, signed_headers
from vice_server import wait_until

FEW = ["--refusals", "20"]
LINE = "are closed for 10 s: too many refused or broken requests"


def is_open(service, address):
    try:
        return service.get("/availability", source=address).status == 200
    except OSError:
        return False


def ask(sock, path):
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return validator.read_reply(sock)


def refuse(service, address, count):
    """Requests for what is not there: how many were answered before the address was closed."""
    for i in range(count):
        try:
            assert service.get("/nothing", source=address).status == 404
        except OSError:
            return i
    return count


def challenge_on(sock, service, url, key=ALICE):
    body = body_of(url)
    sock.sendall(validator.request_head(service.port, signed_headers(body, key=key), len(body)) + body)
    return validator.read_reply(sock)


def stranger(service, address):
    with validator.connect(service.port, source=address) as sock:
        assert challenge_on(sock, service, "http://127.0.0.1/x", EVE).status == 403


def test_an_address_is_closed_and_opened_again(serve, private_options, videos):
    service = serve(*private_options)
    begin = time.monotonic()
    answered = refuse(service, "127.0.0.30", 3000)
    closed = time.monotonic()
    assert 50 <= answered <= 51 + 5 * (closed - begin)
    assert not is_open(service, "127.0.0.30")
    # everybody else, meanwhile
    for address in (None, "127.0.0.31", "127.0.1.30"):
        assert service.challenge(videos.url("good"), source=address).status == 200
    assert refuse(service, "127.0.0.31", 40) == 40
    if time.monotonic() < closed + 9:
        assert not is_open(service, "127.0.0.30")
    assert service.metric("touchline_limits_total") == 1
    assert service.metric("touchline_limited_connections_total") >= 2
    # who knocks all the time does not make it longer, who waits does not make it shorter
    assert wait_until(lambda: is_open(service, "127.0.0.30"), 30)
    assert time.monotonic() - begin > 9.9
    assert service.challenge(videos.url("good"), source="127.0.0.30").status == 200
    assert re.findall(r"connections of (\S+) " + LINE, service.log) == ["127.0.0.30"]


def test_valid_requests_do_not_count(serve, private_options, videos):
    service = serve(*private_options, "--refusals", "1")
    for _ in range(300):
        assert is_open(service, "127.0.0.30")
    for _ in range(5):
        assert service.challenge(videos.url("good"), source="127.0.0.30").status == 200
    with validator.connect(service.port, source="127.0.0.30") as sock:
        for _ in range(300):
            assert ask(sock, "/healthz").status == 200
    assert service.metric("touchline_limits_total") == 0
    assert refuse(service, "127.0.0.30", 2) == 1


def test_a_challenge_pays_for_mistakes(serve, private_options, videos):
    """Several validators behind one address, one of them with a wrong clock."""
    service = serve(*private_options, *FEW)
    for _ in range(6):
        assert refuse(service, "127.0.0.30", 15) == 15
        assert service.challenge(videos.url("good"), source="127.0.0.30").status == 200
    assert service.metric("touchline_limits_total") == 0


def test_open_connections_of_a_closed_address(serve, private_options, videos):
    """They go on while they make sense: a challenge is answered, a refusal is the last answer."""
    service = serve(*private_options, *FEW)
    with (validator.connect(service.port, source="127.0.0.30") as good,
          validator.connect(service.port, source="127.0.0.30") as bad):
        for _ in range(3):
            assert challenge_on(bad, service, "http://127.0.0.1/x", EVE).status == 403
        assert ask(good, "/healthz").status == 200
        refuse(service, "127.0.0.30", 500)
        assert not is_open(service, "127.0.0.30")
        reply = challenge_on(bad, service, "http://127.0.0.1/x", EVE)
        assert reply.status == 403 and reply.headers["connection"].lower() == "close"
        assert bad.recv(1) == b""
        assert ask(good, "/healthz").status == 200
        assert not is_open(service, "127.0.0.30")
        assert challenge_on(good, service, videos.url("good")).status == 200
        assert is_open(service, "127.0.0.30")  # it showed that a validator is there


def say(service, address, data, cut=False):
    with validator.connect(service.port, timeout=5, source=address) as sock:
        sock.sendall(data)
        if cut:
            sock.shutdown(socket.SHUT_WR)
        try:
            sock.recv(65536)
        except ConnectionResetError:
            pass


HEAD = b"POST /soccer/challenge HTTP/1.1\r\nHost: x\r\n"
KINDS = {
    "nothing": lambda s, a: say(s, a, b"", True),
    "half_a_line": lambda s, a: say(s, a, b"GET /avail", True),
    "no_http": lambda s, a: say(s, a, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", True),
    "headers_cut": lambda s, a: say(s, a, HEAD + b"X-A: 1\r\n", True),
    "body_cut": lambda s, a: say(s, a, HEAD + b"Content-Length: 100\r\n\r\n{", True),
    "too_large": lambda s, a: say(s, a, HEAD + b"Content-Length: 99999\r\n\r\n"),
    "chunks": lambda s, a: say(s, a, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
    "no_headers": lambda s, a: say(s, a, HEAD + b"Content-Length: 2\r\n\r\n{}"),
    "method": lambda s, a: say(s, a, b"DELETE /availability HTTP/1.1\r\nHost: x\r\n\r\n"),
    "stranger": stranger,
}


def test_every_kind_counts(serve, private_options):
    service = serve(*private_options, *FEW)
    for i, kind in enumerate(KINDS):
        address, done = f"127.0.0.{30 + i}", 0
        assert is_open(service, address)
        for _ in range(200):
            try:
                KINDS[kind](service, address)
                done += 1
            except OSError:
                pass
            if done >= 20 and not is_open(service, address):
                break
        assert not is_open(service, address), kind
        assert 20 <= done < 200, kind
    assert is_open(service, "127.0.0.60")
    assert service.metric("touchline_limits_total") == len(KINDS)
    assert service.log.count(LINE) == 1  # one line a minute


@pytest.mark.parametrize("options,limit", [(["--refusals", "0"], None), (["--refusals", "3"], 3)])
def test_the_option(serve, private_options, options, limit):
    service = serve(*private_options, *options)
    assert refuse(service, "127.0.0.30", 250) == (limit or 250)


def test_a_flood_leaves_nothing_behind(serve, private_options, videos):
    service = serve(*private_options, *FEW)
    refuse(service, "127.0.0.30", 500)
    before, memory = descriptors(service), service.metric("process_resident_memory_bytes")
    end, knocks = time.monotonic() + 5, 0
    while time.monotonic() < end:
        assert not is_open(service, "127.0.0.30")
        knocks += 1
    assert service.challenge(videos.url("good")).status == 200
    assert service.metric("touchline_limited_connections_total") >= knocks
    assert wait_until(lambda: descriptors(service) <= before + 2)
    assert service.metric("process_resident_memory_bytes") < memory + (32 << 20)
