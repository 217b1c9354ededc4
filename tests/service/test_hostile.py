"""Hostile clients while a challenge runs: it is answered all the same, and the service lives on.

Here no address is limited (conftest.py), so that all of it is heard.
"""
import os
import random
import socket
import threading
import time

import pytest

import validator
from test_life import Player, begun, descriptors
from vice_server import wait_until


class Crowd:
    """Threads that misbehave until told to stop, each from one of several loopback addresses (127.0.0.3 and up)."""

    def __init__(self, service, behaviour, count, addresses=4):
        self.over, self.service, self.addresses = threading.Event(), service, addresses
        self.threads = [threading.Thread(target=self._run, args=(behaviour, i), daemon=True) for i in range(count)]
        for t in self.threads:
            t.start()

    def _run(self, behaviour, i):
        while not self.over.is_set():
            try:
                with validator.connect(self.service.port, timeout=5, source=f"127.0.0.{3 + i % self.addresses}") as sock:
                    behaviour(sock, self.over)
            except OSError:
                self.over.wait(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        for t in self.threads:
            t.join(20)


def slow_headers(sock, over):
    for byte in b"POST /soccer/challenge HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"y" * 1000:
        sock.sendall(bytes([byte]))
        if over.wait(0.02):
            return


def huge_body(sock, over):
    sock.sendall(b"POST /soccer/challenge HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
    while not over.is_set():
        sock.sendall(bytes(65536))


def endless_chunks(sock, over):
    sock.sendall(b"POST /soccer/challenge HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not over.is_set():
        sock.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")


def half_open(sock, over):
    body = validator.body_of("http://127.0.0.1/x")
    sock.sendall(validator.request_head(1, validator.signed_headers(body, key=validator.EVE), len(body)) + body[:-1])
    sock.shutdown(socket.SHUT_WR)
    over.wait(1)


def random_bytes(sock, over):
    for _ in range(20):
        sock.sendall(random.randbytes(random.randrange(1, 3000)))
    over.wait(0.05)


def half_request(sock, over):
    good = b"GET /availability HTTP/1.1\r\nHost: x\r\n\r\n"
    data = bytearray(good * 3)
    for _ in range(3):
        data[random.randrange(len(data))] = random.randrange(256)
    sock.sendall(data)
    sock.recv(65536)


def long_headers(sock, over):
    sock.sendall(b"GET /availability HTTP/1.1\r\n")
    for i in range(2000):
        sock.sendall(b"X-%d: %s\r\n" % (i, b"z" * 200))
    sock.recv(65536)


def slow_reader(sock, over):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    over.wait(1)


def bad_signatures(sock, over):
    body = validator.body_of("http://127.0.0.1/x")
    headers = {**validator.signed_headers(body), "signature": "0x" + os.urandom(64).hex()}
    sock.sendall(validator.request_head(1, headers, len(body)) + body)
    sock.recv(65536)


@pytest.mark.parametrize("behaviour", [slow_headers, huge_body, endless_chunks, half_open, random_bytes, half_request,
                                       long_headers, slow_reader, bad_signatures], ids=lambda b: b.__name__)
def test_a_running_challenge_is_answered(service, videos, behaviour):
    with Crowd(service, behaviour, 12):
        for i in range(2):
            reply = service.challenge(videos.url("slow_tail"), f"{behaviour.__name__}-{i}")
            assert reply.status == 200
            validator.check_answer(reply.json, 50, 320, 180, f"{behaviour.__name__}-{i}")
    assert service.idle()
    assert service.process.poll() is None


def test_hundreds_of_connections(serve, private_options, videos):
    """400 silent connections from four addresses: a validator still gets through."""
    service = serve(*private_options)
    before = descriptors(service)
    crowd = []
    for i in range(400):
        crowd.append(validator.connect(service.port, source=f"127.0.0.{3 + i % 4}"))
    assert wait_until(lambda: descriptors(service) >= before + 390)
    for i in range(3):
        assert service.challenge(videos.url("good"), f"crowd-{i}").status == 200
    for sock in crowd:
        sock.close()
    assert wait_until(lambda: descriptors(service) <= before + 5)


def test_four_addresses_do_not_shut_out_the_rest(serve, private_options, videos):
    """512 connections kept alive by valid requests, which never count against anybody: the oldest make room."""
    service = serve(*private_options)
    before = descriptors(service)
    crowd = []
    for i in range(512):
        sock = validator.connect(service.port, timeout=5, source=f"127.0.0.{3 + i % 4}")
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        crowd.append(sock)
    assert wait_until(lambda: descriptors(service) >= before + 500)
    for i in range(3):  # well before the silent ones are closed
        assert service.challenge(videos.url("good"), f"room-{i}").status == 200
    assert service.metric("touchline_crowded_connections_total") > 0
    assert "to make room" in service.log
    for sock in crowd:
        sock.close()


def test_one_address_has_its_share_only(serve, private_options, videos):
    service = serve(*private_options)
    before = descriptors(service)
    crowd = [validator.connect(service.port, source="127.0.0.9") for _ in range(500)]
    assert wait_until(lambda: before + 100 < descriptors(service) <= before + 132), descriptors(service) - before
    player = Player(service, videos.url("good"))
    assert player.result().status == 200
    for sock in crowd:
        sock.close()


def test_silent_connections_end(serve, private_options):
    """Fifteen seconds without a byte."""
    service = serve(*private_options)
    with validator.connect(service.port, timeout=40) as sock:
        sock.sendall(b"GET /availability HTTP/1.1\r\n")
        begin = time.monotonic()
        assert sock.recv(100) in (b"",) or time.monotonic() - begin < 40
        assert 5 < time.monotonic() - begin < 40


def test_pipelined_and_mangled_challenges(service, videos):
    """A good challenge with one byte changed, anywhere: refused, never a crash, never an answer."""
    body = validator.body_of(videos.url("good"))
    for _ in range(150):
        data = bytearray(validator.request_head(service.port, validator.signed_headers(body, key=validator.EVE), len(body)) + body)
        data[random.randrange(len(data))] = random.randrange(256)
        try:
            with validator.connect(service.port, timeout=3) as sock:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                sock.recv(65536)
        except OSError:
            pass
    assert service.challenge(videos.url("good")).status == 200


def test_slow_validator(service, videos):
    """The body comes in pieces over a second while others hammer the service."""
    with Crowd(service, bad_signatures, 4):
        body = validator.body_of(videos.url("good"))
        with validator.connect(service.port) as sock:
            sock.sendall(validator.request_head(service.port, validator.signed_headers(body), len(body)))
            for i in range(0, len(body), 20):
                sock.sendall(body[i:i + 20])
                time.sleep(0.05)
            assert validator.read_reply(sock).status == 200


def test_clients_that_do_not_read_their_answer(serve, private_options, videos):
    service = serve(*private_options)
    socks = []
    for i in range(5):
        sock = validator.connect(service.port)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        body = validator.body_of(videos.url("good"), f"unread-{i}")
        sock.sendall(validator.request_head(service.port, validator.signed_headers(body), len(body), None) + body)
        assert begun(service, f"unread-{i}")
        socks.append(sock)
    assert service.challenge(videos.url("good")).status == 200
    begin = time.monotonic()
    assert service.stop(90) == 0
    assert time.monotonic() - begin < 60
    for sock in socks:
        sock.close()
