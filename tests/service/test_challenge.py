"""A validator with the reference's bytes gets a valid answer."""
import json
import re
import socket
import struct
import threading
import time

import httpx
import pytest

import validator
from conftest import FRAMES, HEIGHT, WIDTH
from test_life import Player, begun
from vice_server import wait_until


def good(reply, frames=FRAMES, width=WIDTH, height=HEIGHT, task="12345"):
    assert reply.status == 200, reply.body
    assert reply.headers["content-type"] == "application/json"
    validator.check_answer(reply.json, frames, width, height, task)
    return reply.json


@pytest.mark.parametrize("encodings,expected", [("gzip, deflate, zstd", "zstd"), ("gzip, deflate", "gzip"),
                                                ("GZIP;q=0.5", "gzip"), ("zstd;q=0, gzip;q=0", None),
                                                ("identity", None), ("br", None), (None, None)])
def test_answer_in_every_coding(service, videos, encodings, expected):
    reply = service.challenge(videos.url("good"), encodings=encodings)
    answer = good(reply)
    assert reply.headers.get("content-encoding") == expected
    # the scripted players are on every frame, in pixels of the source: 100..120 of 640 is 50..60 of 320
    for frame in answer["frames"]:
        assert any(abs(o["bbox"][0] - 50) < 1.5 and abs(o["bbox"][2] - 60) < 1.5 for o in frame["objects"])
    ids = [{o["id"] for o in f["objects"] if o["class_id"] == 2} for f in answer["frames"]]
    assert all(i == ids[0] for i in ids), "ids are stable"


def test_the_same_answer_each_time(service, videos):
    answers = [good(service.challenge(videos.url("good")))["frames"] for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]


def test_httpx_as_the_validator_uses_it(service, videos):
    """The pinned client: its bytes are those that validator.py sends, and it understands the answer."""
    sent = []
    body = {"challenge_id": "77", "type": "gsr", "video_url": videos.url("good"), "created_at": "2025-08-14T15:58:11+00:00"}
    raw = json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **validator.signed_headers(raw)}

    class Transport(httpx.HTTPTransport):
        def handle_request(self, request):
            sent.append(request)
            return super().handle_request(request)
    with httpx.Client(transport=Transport()) as client:
        reply = client.post(f"http://127.0.0.1:{service.port}/soccer/challenge", json=body, headers=headers, timeout=60)
    assert reply.status_code == 200, reply.text
    validator.check_answer(reply.json(), FRAMES, WIDTH, HEIGHT, "77")
    assert sent[0].content == raw
    ours = validator.request_head(service.port, validator.signed_headers(raw), len(raw)).decode().split("\r\n")[1:-2]
    theirs = [name.decode().lower() for name, _ in sent[0].headers.raw]
    assert [line.split(":")[0].lower() for line in ours] == theirs


def test_lenient_bodies(service, videos):
    url = videos.url("good")
    for text in (f'{{"video_url":"{url}","challenge_id":"12345"}}', f'\n {{ "challenge_id" : "12345", "unknown": [1, null],'
                 f' "video_url" : "{url}" }} ', json.dumps({"video_url": url, "challenge_id": "12345"}).replace("/", "\\/")):
        good(validator.challenge(service.port, text.encode()))
    reply = validator.challenge(service.port, json.dumps({"video_url": url}).encode())
    assert reply.status == 200 and reply.json["challenge_id"] is None
    odd = 'id "with" \\ \u00fc and \n newline'
    reply = service.challenge(url, task=odd)
    assert reply.json["challenge_id"] == odd
    assert "with\" \\ \u00fc and ? newline" in service.log


@pytest.mark.parametrize("task", ["99", 99, 0, -7, 2**63 - 1, 0.1, 1e300, "", None])
def test_the_id_comes_back_as_it_was_sent(service, videos, task):
    """A client that compares finds its own value again: a number is no text."""
    answer = good(service.challenge(videos.url("good"), task=task), task=task)
    assert type(answer["challenge_id"]) is type(task)


def test_wrapped_signature(service, videos):
    """Wallets in browsers sign <Bytes>...</Bytes>; the reference takes that too."""
    body = validator.body_of(videos.url("good"))
    headers = validator.signed_headers(body)
    import hashlib
    message = f"<Bytes>{headers['nonce']}:{headers['miner-hotkey']}:{hashlib.sha256(body).hexdigest()}</Bytes>"
    headers["signature"] = "0x" + validator.ALICE.sign(message).hex()
    good(validator.challenge(service.port, body, headers))


def test_header_names_in_any_case_and_order(service, videos):
    body = validator.body_of(videos.url("good"))
    headers = {k.title(): v for k, v in reversed(validator.signed_headers(body).items())}
    good(validator.challenge(service.port, body, headers))


def test_a_body_byte_by_byte(service, videos):
    body = validator.body_of(videos.url("good"))
    with validator.connect(service.port) as sock:
        for byte in validator.request_head(service.port, validator.signed_headers(body), len(body)):
            sock.sendall(bytes([byte]))
        for byte in body:
            sock.sendall(bytes([byte]))
        good(validator.read_reply(sock))


def test_two_challenges_on_one_connection(service, videos):
    with validator.connect(service.port) as sock:
        for _ in range(2):
            body = validator.body_of(videos.url("good"))
            sock.sendall(validator.request_head(service.port, validator.signed_headers(body), len(body)) + body)
            good(validator.read_reply(sock))


def test_other_pages(service, videos):
    assert service.get("/availability").json == {"available": True}
    assert service.get("/availability").body == b'{"available": true}'
    assert service.get("/healthz").json == {"status": "ok"}
    assert service.get("/readyz").json == {"ready": True}
    version = service.get("/version").json
    assert version["name"] == "touchline" and re.fullmatch(r"\d+\.\d+\.\d+.*", version["version"])
    head = service.get("/availability", method="HEAD")
    assert head.status == 200 and head.headers["content-length"] == "19" and head.body == b""
    assert service.get("/").status == 404 and service.get("/").json == {"detail": "Not Found"}
    assert service.get("/soccer/challenge").status == 405
    assert service.get("/soccer/challenge").json == {"detail": "Method Not Allowed"}
    assert service.get("/availability", method="POST").status == 405
    assert service.get("/nothing", method="POST").status == 404
    assert service.get("/availability/").status == 404
    assert service.get("/soccer/../availability").status == 404


def test_log_lines(service, videos):
    good(service.challenge(videos.url("good"), task="log-1"), task="log-1")
    assert wait_until(lambda: re.search(r"Completed challenge log-1 .* send=\d", service.log))
    log = service.log
    assert "Using batch processing with batch_size=" in log
    assert re.search(r"Video processor initialized with \w+ device, timeout: [\d.]+s, prefetch=\d+, frame_stride=\d+", log)
    assert re.search(r"optimizations applied successfully \(.*CPU threads: \d+\)", log)
    assert re.search(r"Completed processing 50 frames \(stride=\d+\) in [\d.]+s \([\d.]+ fps\)", log)
    line = re.search(r"Completed challenge log-1 in .*", log)[0]
    for stage in ("connect", "first_byte", "download", "decode", "networks", "track", "encode", "send"):
        assert re.search(rf"\b{stage}=[\d.]+", line), line
    assert "Miner availability checked" not in log, "that is a debug line"


def test_every_hundred_frames_are_told(service, videos):
    reply = service.challenge(videos.url("long"))
    assert reply.status == 200 and len(reply.json["frames"]) == 105
    assert re.search(r"Processed 100 frames in [\d.]+s \([\d.]+ fps\)", service.log)


def test_json_log(serve, private_options, videos):
    service = serve(*private_options, "--log-format", "json")
    good(service.challenge(videos.url("good"), task='a"b\nc'), task='a"b\nc')
    assert service.stop() == 0
    lines = [json.loads(line) for line in service.log.splitlines()]
    done = [line for line in lines if line["message"].startswith('Completed challenge a"b\nc in')]
    assert all(set(line) == {"time", "level", "message"} for line in lines if line not in done)
    assert len(done) == 1 and done[0]["challenge"] == 'a"b\nc' and done[0]["frames"] == 50
    stages = ("connect", "first_byte", "download", "decode", "networks", "track", "encode", "send")
    assert all(0 <= done[0][name] <= done[0]["total"] for name in stages[:4])
    assert set(done[0]) == {"time", "level", "message", "challenge", "total", "frames", "bytes", "retries", "budget_hit", *stages}
    assert {line["level"] for line in lines} <= {"info", "warning", "error", "debug"}


STAGES = ("connect", "first_byte", "download", "decode", "networks", "track", "encode", "send")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_challenge_that_fails_says_what_it_spent(serve, private_options, videos, form):
    """The same line as one that does not, with the status: the operator sees whose seconds they were."""
    service = serve(*private_options, "--time-budget", "1", "--log-format", form)
    good(service.challenge(videos.url("good"), task="before"), task="before")  # whose times must not be told again
    vices = {"slow_404": 0.3, "garbage": 0, "page": 0, "empty": 0, "silent": 1.5, "redirect_private": 0}
    for vice, least in vices.items():
        begin = time.monotonic()
        assert service.challenge(videos.url(vice), task=f"of {vice}").status == 400
        wall = time.monotonic() - begin
        assert wait_until(lambda: re.search(rf"Failed challenge of {vice} in .* send=\d", service.log)), service.log
        line = re.search(rf"Failed challenge of {vice} in ([\d.]+) seconds: ([^\"\n]*)", service.log)
        told = {name: float(value) for name, value in (pair.split("=") for pair in line[2].split())}
        assert list(told) == ["status", "total", "frames", *STAGES[:-1], "bytes", "retries", "budget_hit", "send"]
        assert told["status"] == 400 and told["frames"] == told["decode"] == told["networks"] == told["track"] == 0
        assert least <= told["download"] <= told["total"] <= wall + 0.01 and abs(told["total"] - float(line[1])) < 0.006
        assert 0 <= told["first_byte"] <= told["download"]
        assert told["first_byte"] >= (0.3 if vice == "slow_404" else 0)
    assert service.stop() == 0
    if form == "json":
        lines = [line for line in map(json.loads, service.log.splitlines()) if line["message"].startswith("Failed challenge")]
        assert [line["challenge"] for line in lines] == [f"of {vice}" for vice in vices]
        assert all({"status", "total", "frames", *STAGES} < set(line) for line in lines)


def test_a_client_that_went_away_in_the_json_log(serve, private_options, videos):
    service = serve(*private_options, "--log-format", "json")
    sock = validator.send_challenge(service.port, validator.body_of(videos.url("slow_tail"), "gone"))
    assert wait_until(lambda: "Processing challenge gone" in service.log)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    assert wait_until(lambda: "the client was gone" in service.log)
    line = next(json.loads(line) for line in service.log.splitlines() if "the client was gone" in line)
    assert line["challenge"] == "gone" and line["level"] == "warning" and line["frames"] == 50
    assert {"total", *STAGES} < set(line)


@pytest.mark.parametrize("form", ["text", "json"])
def test_names_of_strangers_forge_nothing(serve, private_options, videos, form):
    """Colours, lines, fields and bytes that are no text, in what a validator or anybody may name."""
    service = serve(*private_options, "--log-format", form)
    names = ["x\x1b[31m", "x\u009b31m", "x\nERROR", "x in 0.01 seconds: total=0 message=1", "\u202ex", "message=7"]
    for name in names:
        good(service.challenge(videos.url("good"), task=name), task=name)
    body = validator.body_of(videos.url("good"))
    head = validator.request_head(service.port, {**validator.signed_headers(body), "validator-hotkey": "@"}, len(body))
    with validator.connect(service.port) as sock:
        sock.sendall(head.replace(b"hotkey: @", b"hotkey: \x9b31m\xff\xc3") + body)
        assert validator.read_reply(sock).status == 401
    assert service.stop() == 0
    log = service.log_path.read_bytes().decode()  # it is UTF-8
    assert not any(c in log for c in "\x1b\x9b\x7f")
    assert len(re.findall(r"Completed challenge", log)) == len(names)
    if form == "json":
        lines = [json.loads(line, object_pairs_hook=lambda pairs: pairs) for line in log.splitlines()]
        assert all(len(dict(line)) == len(line) for line in lines), "no name twice"
        done = [dict(line) for line in lines if "challenge" in dict(line)]
        assert [line["challenge"] for line in done] == names and all(line["frames"] == 50 for line in done)
    else:
        assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in log.splitlines())


def test_metrics_after_challenges(serve, private_options, videos):
    service = serve(*private_options)
    good(service.challenge(videos.url("good")))
    assert service.challenge(videos.url("404")).status == 400
    body = validator.body_of(videos.url("good"))
    assert validator.challenge(service.port, body, validator.signed_headers(body, key=validator.EVE)).status == 403
    assert wait_until(lambda: service.metric('touchline_stage_seconds_count{stage="send"}') == 2)
    assert service.metric('touchline_challenges_total{result="ok"}') == 1
    assert service.metric('touchline_challenges_total{result="failed"}') == 1
    assert service.metric('touchline_rejected_total{reason="hotkey"}') == 1
    assert service.metric("touchline_challenge_seconds_count") == 2
    key = service.metric('touchline_frames_total{kind="key"}')
    filled = service.metric('touchline_frames_total{kind="filled"}')
    assert key + filled == FRAMES and key > 0
    assert service.metric("touchline_download_bytes_total") >= len(videos.clip)
    assert service.metric("touchline_busy") == 0 and service.metric("touchline_queue_length") == 0
    assert service.metric("process_resident_memory_bytes") > 1e6


def test_second_challenge_waits_and_a_full_queue_says_so(serve, private_options, videos):
    service = serve(*private_options, "--queue", "1")
    replies = {}

    def play(name, url):
        replies[name] = service.challenge(url)
    first = threading.Thread(target=play, args=("first", videos.url("slow_tail")))
    first.start()
    assert wait_until(lambda: service.metric("touchline_busy") == 1)
    assert service.get("/availability").json == {"available": False}
    second = threading.Thread(target=play, args=("second", videos.url("good")))
    second.start()
    assert wait_until(lambda: service.metric("touchline_queue_length") == 1)
    refused = service.challenge(videos.url("good"))
    assert refused.status == 503 and refused.detail == "Too many challenges wait already"
    first.join(60)
    second.join(60)
    good(replies["first"])
    good(replies["second"])
    assert service.idle()


def test_who_hung_up_while_waiting_is_not_worked_for(serve, private_options, videos):
    service = serve(*private_options)
    first = Player(service, videos.url("slow_tail"), "first")
    assert begun(service, "first")
    gone, last = videos.url("good"), videos.url("good")
    sock = validator.send_challenge(service.port, validator.body_of(gone, "gone"))
    assert wait_until(lambda: service.metric("touchline_queue_length") == 1)
    sock.close()
    patient = Player(service, last, "patient")
    good(first.result(), task="first")
    good(patient.result(), task="patient")
    assert videos.requests(gone) == [] and len(videos.requests(last)) == 1
    assert "Challenge gone was dropped after" in service.log and "Processing challenge gone " not in service.log
    assert service.metric('touchline_challenges_total{result="gone"}') == 1
    assert service.metric('touchline_challenges_total{result="ok"}') == 2
    assert service.metric("touchline_challenge_seconds_count") == 2
    assert service.idle()


def test_a_client_that_went_away(service, videos):
    """Its challenge is finished, the next one is answered."""
    sock = validator.send_challenge(service.port, validator.body_of(videos.url("slow_tail"), "gone"))
    assert wait_until(lambda: "Processing challenge gone" in service.log)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    good(service.challenge(videos.url("good")))
    assert wait_until(lambda: re.search("Completed challenge gone .*client was gone", service.log)), service.log[-2000:]


def test_real_clip_from_a_cold_connection(serve, private_options, real_clip):
    from vice_server import ViceServer
    data = real_clip.read_bytes()
    server = ViceServer(data, data)
    try:
        service = serve(*private_options)
        begin = time.monotonic()
        reply = service.challenge(server.url("good"), timeout=240)
        seconds = time.monotonic() - begin
        frames = len(reply.json["frames"])
        good(reply, frames, 1280, 720)
        assert frames > 300
        print(f"{frames} frames in {seconds:.2f} s")
    finally:
        server.close()


def test_shipped_networks(serve, private_options, videos, binary):
    """The same with the house networks, when they are there."""
    import pathlib
    models = pathlib.Path(__file__).resolve().parents[2] / "models"
    if not (models / "players.onnx").exists() or not (models / "pitch.onnx").exists():
        pytest.skip("no shipped networks")
    service = serve(*private_options[4:])
    good(service.challenge(videos.url("good"), timeout=120))
