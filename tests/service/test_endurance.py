"""Many challenges in a row with faults mixed in: nothing grows, nothing is wrong.

150 of them; TOUCHLINE_ENDURANCE=1000 makes it the long run.
"""
import os
import random
import re

import validator
from test_life import descriptors, temporary_files
from vice_server import wait_until

FAULTS = ["404", "page", "cut_early", "garbage", "empty", "redirect_private", "gigantic", "redirect_loop"]
ROUNDABOUT = ["good", "cut", "chunked", "no_ranges", "index_last", "no_length", "cut_once_no_ranges", "redirect"]
HALF = ["cut_always", "short_length", "wrong_range"]


def resident(service):
    return int(re.search(r"VmRSS:\s+(\d+) kB", open(f"/proc/{service.process.pid}/status").read())[1]) / 1024


def one(service, videos, rng, i, expected):
    kind = rng.random()
    if kind < 0.08:  # refused before any work
        body = validator.body_of(videos.url("good"))
        key = rng.choice([validator.ALICE, validator.EVE])
        headers = signed = validator.signed_headers(body, key=key)
        if key is validator.ALICE:
            headers = {**signed, "signature": "0x" + rng.randbytes(64).hex()}
        assert validator.challenge(service.port, body, headers).status in (401, 403)
    elif kind < 0.12:  # gone before the answer
        validator.send_challenge(service.port, validator.body_of(videos.url("good"))).close()
    elif kind < 0.25:
        reply = service.challenge(videos.url(rng.choice(FAULTS)), f"e{i}")
        assert reply.status == 400 and reply.detail
    elif kind < 0.28:
        reply = service.challenge(videos.url(rng.choice(HALF)), f"e{i}")
        assert reply.status == 200
        validator.check_answer(reply.json, 50, 320, 180, f"e{i}")
    else:
        reply = service.challenge(videos.url(rng.choice(ROUNDABOUT)), f"e{i}",
                                  encodings=rng.choice(["gzip", "gzip, deflate, zstd", None]))
        assert reply.status == 200, reply.body
        validator.check_answer(reply.json, 50, 320, 180, f"e{i}")
        assert reply.json["frames"] == expected, "the same clip, the same answer"


def test_many_in_a_row(serve, private_options, videos, environment):
    count = int(os.environ.get("TOUCHLINE_ENDURANCE", 150))
    rng = random.Random(7)
    service = serve(*private_options, "--queue", "16")
    expected = service.challenge(videos.url("good"), "e0").json["frames"]
    files = temporary_files(environment)
    for i in range(30):
        one(service, videos, rng, i, expected)
    assert service.idle()
    before, fds = resident(service), descriptors(service)
    for i in range(30, count):
        one(service, videos, rng, i, expected)
    assert service.idle()
    assert temporary_files(environment) == files
    assert wait_until(lambda: descriptors(service) <= fds + 4), (fds, descriptors(service))
    after = resident(service)
    print(f"{count} challenges: {before:.1f} MB -> {after:.1f} MB, {fds} -> {descriptors(service)} descriptors")
    assert after < before * 1.25 + 16
    assert service.stop() == 0
