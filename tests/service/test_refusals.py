"""Every refusal of the protocol sheet, with the reference's status and text."""
import contextlib
import hashlib
import json
import re

import pytest

import validator
from validator import ALICE, BOB, EVE, body_of, challenge, signed_headers
from vice_server import wait_until

NONCE = "Oi, that nonce is not valid!"
SIGNATURE = "Oi, invalid signature, you're not who you said you were!"
MINER = "Oi, invalid miner hotkey - that's not me!"


def refused(reply, status, detail):
    assert reply.status == status, (reply.status, reply.body)
    assert reply.headers["content-type"] == "application/json"
    assert reply.detail == detail


@pytest.fixture
def body(videos):
    return body_of(videos.url("good"))


@pytest.mark.parametrize("name", ["validator-hotkey", "miner-hotkey", "nonce", "signature"])
def test_missing_header(service, body, name):
    headers = signed_headers(body)
    del headers[name]
    reply = challenge(service.port, body, headers)
    assert reply.status == 422
    assert reply.detail == [{"type": "missing", "loc": ["header", name], "msg": "Field required", "input": None}]


@pytest.mark.parametrize("miner", [EVE.ss58_address, "", "nonsense", BOB.ss58_address[:-1], "5" * 5000])
def test_another_miner(service, body, miner):
    refused(challenge(service.port, body, signed_headers(body, miner=miner)), 401, MINER)


@pytest.mark.parametrize("nonce", ["", "_", "abc", "x1_a", "-1_a", "+1755187091123456789_a", "1" * 21, "9" * 20, "0_a", "1_a",
                                   "1755187091123456789_aB3dE6gH9k", "1755187091.5_a", "\xb2_a", "1 _a"])
def test_bad_nonce(service, body, nonce):
    headers = signed_headers(body, nonce="0_x")
    headers["nonce"] = nonce
    refused(challenge(service.port, body, headers), 401, NONCE)


def test_nonce_too_old_or_too_new(service, body):
    for offset in (-121, 125):
        headers = signed_headers(body, nonce=validator.make_nonce(offset))
        refused(challenge(service.port, body, headers), 401, NONCE)


@pytest.mark.parametrize("offset,words", [(-500, "behind"), (3600, "ahead of")])
def test_the_log_says_how_far_the_clocks_are_apart(service, body, offset, words):
    """An operator whose clock is off sees it there; the answer stays the reference's."""
    headers = signed_headers(body, nonce=validator.make_nonce(offset))
    refused(challenge(service.port, body, headers), 401, NONCE)
    line = rf"Refused a challenge of {ALICE.ss58_address}: 401 nonce, skew=([+-][\d.]+) s: its time is {words} our clock\n"
    assert wait_until(lambda: re.search(line, service.log))
    told = [float(skew) for skew in re.findall(line, service.log)]
    assert any(offset - 30 < skew <= offset + 0.1 for skew in told), told


def test_clock_skew_within_the_window(service, body):
    for offset in (-110, 110):
        headers = signed_headers(body, nonce=validator.make_nonce(offset))
        assert challenge(service.port, body, headers).status == 200


def test_replay(service, body):
    headers = signed_headers(body)
    assert challenge(service.port, body, headers).status == 200
    refused(challenge(service.port, body, headers), 401, NONCE)
    assert wait_until(lambda: f"Refused a challenge of {ALICE.ss58_address}: 401 nonce, seen before\n" in service.log)
    ahead = signed_headers(body, nonce=validator.make_nonce(100))
    assert challenge(service.port, body, ahead).status == 200
    refused(challenge(service.port, body, ahead), 401, NONCE)


def test_a_bad_signature_burns_no_nonce(service, body):
    """A stranger who saw a nonce cannot spoil it."""
    headers = signed_headers(body)
    refused(challenge(service.port, body, {**headers, "signature": "0x" + "00" * 64}), 401, SIGNATURE)
    assert challenge(service.port, body, headers).status == 200


def malleated(text):
    raw = bytearray.fromhex(text[2:])
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(raw[32:], "little") & ~(1 << 255)
    raw[32:] = (s + order | 1 << 255).to_bytes(32, "little")
    return "0x" + raw.hex()


@pytest.mark.parametrize("change", [
    lambda s: s[:-2] + "0d", lambda s: s[2:], lambda s: "0x", lambda s: "", lambda s: s + "00", lambda s: s[:-1],
    lambda s: "0X" + s[2:], lambda s: "0x" + "zz" * 64, malleated, lambda s: s[:10] + ("0" if s[10] != "0" else "1") + s[11:],
    lambda s: "0x" + "f" * 10000])
def test_bad_signature(service, body, change):
    headers = signed_headers(body)
    headers["signature"] = change(headers["signature"])
    reply = challenge(service.port, body, headers)
    refused(reply, 401, SIGNATURE)


def test_signature_over_something_else(service, body):
    for other in (body + b" ", body[:-1], body.replace(b": ", b":"), b"", json.dumps(json.loads(body), indent=1).encode()):
        refused(challenge(service.port, body, signed_headers(other)), 401, SIGNATURE)
    # the GET form of the text, without the body's hash
    headers = signed_headers(body)
    headers["signature"] = "0x" + ALICE.sign(f"{headers['nonce']}:{headers['miner-hotkey']}").hex()
    refused(challenge(service.port, body, headers), 401, SIGNATURE)
    # an upper-case hash
    message = f"{headers['nonce']}:{headers['miner-hotkey']}:{hashlib.sha256(body).hexdigest().upper()}"
    headers["signature"] = "0x" + ALICE.sign(message).hex()
    refused(challenge(service.port, body, headers), 401, SIGNATURE)


@pytest.mark.parametrize("hotkey", ["", "nonsense", ALICE.ss58_address[:-1] + "Z", "1" + ALICE.ss58_address, "5" * 48])
def test_validator_hotkey_that_is_none(service, body, hotkey):
    refused(challenge(service.port, body, {**signed_headers(body), "validator-hotkey": hotkey}), 401, SIGNATURE)


def test_somebody_elses_name(service, body):
    """Signed by a stranger in Alice's name."""
    headers = {**signed_headers(body, key=EVE), "validator-hotkey": ALICE.ss58_address}
    refused(challenge(service.port, body, headers), 401, SIGNATURE)


def test_unknown_hotkey(service, body):
    refused(challenge(service.port, body, signed_headers(body, key=EVE)), 403, "Hotkey not found in metagraph")


@pytest.mark.parametrize("text,detail", [
    ('{"challenge_id": "1"}', "No video URL provided"),
    ('{"video_url": ""}', "No video URL provided"),
    ('{"video_url": null}', "No video URL provided"),
    ('{"video_url": 7}', "No video URL provided"),
    ("{}", "No video URL provided"),
    ("", "The body is not a challenge in JSON"),
    ("[]", "The body is not a challenge in JSON"),
    ("null", "The body is not a challenge in JSON"),
    ("{", "The body is not a challenge in JSON"),
    ("[" * 5000, "The body is not a challenge in JSON"),
    ('{"challenge_id": {}, "video_url": "http://127.0.0.1/x"}', "The body is not a challenge in JSON"),
    ('{"challenge_id": "%s", "video_url": "http://127.0.0.1/x"}' % ("x" * 500), "The body is not a challenge in JSON"),
    ('{"video_url": "http://127.0.0.1/\\u0000x"}', "The video URL is too long or not text"),
    ('{"video_url": "http://127.0.0.1/%s"}' % ("x" * 3000), "The video URL is too long or not text"),
    ('{"video_url": "http://127.0.0.1/%s"}' % ("x" * 2100), "The video URL is refused: the address is longer than 2048 bytes"),
    ('{"video_url": "file:///etc/passwd"}', "The video URL is refused: only http and https addresses are fetched"),
    ('{"video_url": "/etc/passwd"}', "The video URL is refused: only http and https addresses are fetched"),
    ('{"video_url": "ftp://127.0.0.1/x"}', "The video URL is refused: only http and https addresses are fetched"),
    ('{"video_url": "http://user:word@127.0.0.1/x"}',
     "The video URL is refused: addresses with a user name or password are not fetched"),
    ('{"video_url": "http:///x"}', "The video URL is refused: the address names no host"),
    ('{"video_url": "http://127.0.0.1/a b"}', "The video URL is refused: the address holds a blank or control character"),
    ('{"video_url": "http://127.0.0.1/a\\r\\nHost: x"}',
     "The video URL is refused: the address holds a blank or control character"),
])
def test_bad_body(service, text, detail):
    refused(challenge(service.port, text.encode()), 400, detail)


def test_invalid_utf8(service):
    refused(challenge(service.port, b'{"video_url": "http://127.0.0.1/\xff\xfe"}'), 400,
            "The body is not a challenge in JSON")


def test_body_too_large(service):
    body = b'{"video_url": "' + b"x" * 20000 + b'"}'
    with validator.connect(service.port) as sock:
        sock.sendall(validator.request_head(service.port, signed_headers(body), len(body)))
        refused(validator.read_reply(sock), 413, "The body is too large")


def test_body_in_chunks(service):
    """No validator sends one; it is refused before the body."""
    body = b'{"video_url": "http://127.0.0.1/x"}'
    with validator.connect(service.port) as sock:
        head = validator.request_head(service.port, signed_headers(body), 0).replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked")
        sock.sendall(head)
        refused(validator.read_reply(sock), 411, "The body's length is missing")


def test_body_with_two_lengths(service):
    """Refused and closed: what one server takes for the body, another takes for a request."""
    body = b'{"video_url": "http://127.0.0.1/x"}'
    with validator.connect(service.port) as sock:
        head = validator.request_head(service.port, signed_headers(body), len(body)).replace(
            b"Content-Length: ", b"Content-Length: 0\r\nContent-Length: ")
        sock.sendall(head + body)
        refused(validator.read_reply(sock), 400, "The body's length is given twice")
        assert sock.recv(1) == b""


@pytest.mark.parametrize("head,status", [
    (b"Content-Length: abc", 400), (b"Content-Length: -1", 400), (b"Content-Length: ", 400), (b"Content-Length: 0x10", 400),
    (b"Content-Length: 99999999999999999999999", 413), (b"no colon", 400), (b"A: " + b"x" * 40000, 431)])
def test_what_is_no_http_is_refused_and_closed(service, body, head, status):
    """Answered by libmicrohttpd before anything of ours is asked; docs/subnet.md says how."""
    with validator.connect(service.port) as sock:
        sock.sendall(b"POST /soccer/challenge HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # of headers that it did not read to their end
            while part := sock.recv(65536):
                answer += part
    assert not answer and status == 431 or int(answer.split()[1]) == status
    assert challenge(service.port, body).status == 200


@pytest.mark.parametrize("host", ["127.0.0.2", "127.2", "2130706434", "0x7f.2", "0x7f000002", "0177.0.0.2", "[::1]",
                                  "[::ffff:127.0.0.1]", "[::ffff:7f00:2]", "[::127.0.0.2]", "0.0.0.0", "0", "[::]"])
def test_private_address(service, videos, host):
    """Every spelling of an address that is not allowed; nothing arrives there (the fixture looks)."""
    before = videos.open_connections
    url = f"http://{host}:{videos.port}/good/refused.mp4"
    reply = service.challenge(url)
    refused(reply, 400, "the address leads to a private network, which is refused")
    assert videos.open_connections <= before


def test_refusals_are_counted_and_told(service, body):
    before = service.metric('touchline_rejected_total{reason="signature"}') or 0
    challenge(service.port, body, {**signed_headers(body), "signature": "0x"})
    assert service.metric('touchline_rejected_total{reason="signature"}') == before + 1
    assert f"Refused a challenge of {ALICE.ss58_address}: 401 signature" in service.log
