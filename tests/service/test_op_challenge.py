"""`touchline challenge`: what it sends is what the reference validator sends, and no faulty answer passes for a good one."""
import gzip
import hashlib
import json
import re
import signal
import socket
import subprocess
import threading

import pytest
import zstandard

from validator import ALICE, BOB, EVE

EUSAGE, EFORMAT, ENET, ETIMEOUT, ENOENT, EINTERRUPTED = 2, 7, 14, 16, 3, 20
HEADERS = ["Host", "Accept", "Accept-Encoding", "Connection", "User-Agent", "Content-Type", "validator-hotkey",
           "miner-hotkey", "nonce", "signature", "Content-Length"]


class FakeMiner:
    """Answers every request with the same bytes and keeps the requests."""

    def __init__(self, answer):
        self.answer, self.requests = answer, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with sock:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += sock.recv(65536)
                head, _, body = data.partition(b"\r\n\r\n")
                length = int(re.search(rb"Content-Length: (\d+)", head)[1])
                while len(body) < length:
                    body += sock.recv(65536)
                self.requests.append((head.decode(), body))
                if self.answer is None:
                    threading.Event().wait(3)
                else:
                    sock.sendall(self.answer)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def miner():
    running = []

    def start(answer):
        running.append(FakeMiner(answer))
        return running[-1]
    yield start
    for one in running:
        one.close()


@pytest.fixture
def challenge(binary, environment, tmp_path):
    def run(*words, env=None, timeout=60):
        return subprocess.run([binary, "challenge", *map(str, words)], capture_output=True, text=True, cwd=tmp_path,
                              env={**environment, **(env or {})}, timeout=timeout)
    return run


def http(body, status=200, **headers):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
             f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer(count=3, **changes):
    frame = {"keypoints": [[0, 0]] * 32, "objects": [{"id": 1, "bbox": [1, 2, 30, 60], "class_id": 2}]}
    made = {"challenge_id": "7", "processing_time": 1.0, "frames": [{"frame_number": i, **frame} for i in range(count)]}
    made.update(changes)
    return made


TO_BOB = ["--miner-hotkey", BOB.ss58_address]
SOME_URL = ["--video", "http://192.0.2.1/clip%C3%A4.mp4"]


def test_bytes_of_a_challenge(miner, challenge):
    fake = miner(http(answer()))
    result = challenge("--to", fake.url, *SOME_URL, *TO_BOB, "--id", "a\"ä/7")
    assert result.returncode == 0, result.stdout + result.stderr
    head, body = fake.requests[0]
    lines = head.split("\r\n")
    assert lines[0] == "POST /soccer/challenge HTTP/1.1"
    names = [line.partition(": ")[0] for line in lines[1:]]
    values = dict(line.partition(": ")[::2] for line in lines[1:])
    assert names == HEADERS
    assert values["Host"] == fake.url.removeprefix("http://")
    assert values["Accept-Encoding"] == "gzip, deflate, zstd" and values["User-Agent"] == "python-httpx/0.27.2"
    assert values["validator-hotkey"] == ALICE.ss58_address and values["miner-hotkey"] == BOB.ss58_address
    assert re.fullmatch(r"\d{19}_[A-Za-z0-9]{10}", values["nonce"])
    assert re.fullmatch(r"0x[0-9a-f]{128}", values["signature"])
    message = f"{values['nonce']}:{BOB.ss58_address}:{hashlib.sha256(body).hexdigest()}"
    assert ALICE.verify(message, values["signature"])
    made = json.loads(body)
    assert list(made) == ["challenge_id", "type", "video_url", "created_at"]
    assert made["challenge_id"] == "a\"ä/7" and made["type"] == "gsr" and made["video_url"] == SOME_URL[1]
    assert json.dumps(made).encode() == body  # Python's own form, byte for byte
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00", made["created_at"])


def test_other_keys(miner, challenge, tmp_path):
    fake = miner(http(answer()))
    seed = "0x" + EVE.seed_hex.hex() if isinstance(EVE.seed_hex, bytes) else EVE.seed_hex
    if seed:
        challenge("--to", fake.url, *SOME_URL, *TO_BOB, "--seed", seed)
        assert f"validator-hotkey: {EVE.ss58_address}" in fake.requests[0][0]
    assert challenge("--to", fake.url, *SOME_URL, *TO_BOB, "--seed", "12").returncode == EUSAGE
    folder = tmp_path / "wallets/w/hotkeys"
    folder.mkdir(parents=True)
    (folder / "h").write_text(json.dumps({"privateKey": "0x" + ALICE.private_key.hex()}))
    words = ["--wallet.path", tmp_path / "wallets", "--wallet.name", "w", "--wallet.hotkey", "h"]
    result = challenge("--to", fake.url, *SOME_URL, *TO_BOB, *words)
    assert result.returncode == 0, result.stderr
    assert f"validator    {ALICE.ss58_address}\n" in result.stdout


@pytest.mark.parametrize("form", ["plain", "gzip", "zstd", "chunked", "until the end"])
def test_forms_of_an_answer(miner, challenge, tmp_path, form):
    body = json.dumps(answer()).encode()
    reply = {"plain": lambda: http(body), "gzip": lambda: http(gzip.compress(body), Content_Encoding="gzip"),
             "zstd": lambda: http(zstandard.ZstdCompressor().compress(body), Content_Encoding="zstd"),
             "chunked": lambda: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
                 b"%x\r\n%s\r\n" % (len(body[i:i + 50]), body[i:i + 50]) for i in range(0, len(body), 50)) + b"0\r\n\r\n",
             "until the end": lambda: b"HTTP/1.1 200 OK\r\n\r\n" + body}[form]()
    result = challenge("--to", miner(reply).url, *SOME_URL, *TO_BOB, "--save", "a.json")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "valid; tier: top" in result.stdout and "frames       3" in result.stdout
    assert (tmp_path / "a.json").read_bytes() == body


def broken(**changes):
    made = answer()
    made["frames"][1].update(changes)
    return made


def with_object(**changes):
    made = answer()
    made["frames"][1]["objects"][0].update(changes)
    return made


FAULTS = {
    "no list": (answer(frames={"0": {}}), "is no list"),
    "a hole": (answer(frames=[f for f in answer()["frames"] if f["frame_number"] != 1]), "\n1 frame is not answered\n"),
    "no number": (answer(frames=[{"keypoints": [[0, 0]] * 32, "objects": []}]), "\n1 frame without a frame_number"),
    "twice": (answer(frames=answer()["frames"] + answer()["frames"][:1]), "\n1 frame number comes twice\n"),
    "31 points": (broken(keypoints=[[0, 0]] * 31), "without 32 pairs"),
    "bad point": (broken(keypoints=[[0, "1"]] * 32), "without 32 pairs"),
    "bad box": (with_object(bbox=[5, 5, 1, 1]), "not x1 < x2"),
    "no class": (with_object(class_id=4), "without a class"),
    "no id": (with_object(id=None), "without an id"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faulty_answers(miner, challenge, name):
    body, words = FAULTS[name]
    result = challenge("--to", miner(http(body)).url, *SOME_URL, *TO_BOB)
    assert result.returncode == EFORMAT, result.stdout
    assert words in result.stdout and "FAULTY" in result.stdout


@pytest.mark.parametrize("reply, code, words", [
    (http(b"{\"frames\": [NaN"), EFORMAT, "not JSON"), (http([]), EFORMAT, "not a JSON object"),
    (http(b"x", Content_Encoding="gzip"), EFORMAT, "does not unpack"),
    (http(b"x", Content_Encoding="br"), EFORMAT, "nobody asked for"), (b"SSH-2.0-x\r\n\r\n", EFORMAT, "no HTTP"),
    (b"", ENET, "without an answer"), (http(answer())[:-20], ENET, "broke off"),
    (http({"detail": "Oi"}, 401), EFORMAT, "refused with HTTP 401"), (None, ETIMEOUT, "said nothing"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", EFORMAT, "broken chunk")])
def test_what_is_no_answer(miner, challenge, reply, code, words):
    result = challenge("--to", miner(reply).url, *SOME_URL, *TO_BOB, "--timeout", 1)
    assert result.returncode == code, result.stdout + result.stderr
    assert words in result.stdout + result.stderr


def test_interrupted_while_it_waits(binary, environment):
    """The first Ctrl-C ends the wait for a miner that says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    process = subprocess.Popen([binary, "challenge", "--to", url, *SOME_URL, *TO_BOB], env=environment, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peer, _ = listener.accept()
    assert peer.recv(10)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == EINTERRUPTED and "interrupted" in errors
    peer.close()
    listener.close()


def test_wrong_use(challenge, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"x")
    for words, code in [(["--to", "ftp://x", *SOME_URL, *TO_BOB], EUSAGE), (["--to", "http://:1", *SOME_URL, *TO_BOB], EUSAGE),
                        (["--to", "http://127.0.0.1:99999999", *SOME_URL, *TO_BOB], EUSAGE),
                        (["--to", "http://127.0.0.1:1", *SOME_URL, *TO_BOB], ENET), (TO_BOB, EUSAGE),
                        (SOME_URL, EUSAGE), ([*SOME_URL, "--miner-hotkey", "5x"], EUSAGE),
                        (["--to", "http://192.0.2.1", "--video", "clip.mp4", *TO_BOB], EUSAGE),
                        (["--video", "none.mp4", *TO_BOB], ENOENT),
                        (["--to", "http://no-such-host.invalid:1", *SOME_URL, *TO_BOB], ENOENT)]:
        result = challenge(*words)
        assert result.returncode == code, (words, result.stdout, result.stderr)


def test_against_the_miner(service, challenge, clips, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(clips["last"])
    to = ["--to", f"http://127.0.0.1:{service.port}", "--video", "clip.mp4"]
    result = challenge(*to, *TO_BOB, "--repeat", 2, "--save", "answer.json")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "50 frames of 320x180" in result.stdout and "all          2 of 2 valid" in result.stdout
    assert len(json.loads((tmp_path / "answer.json").read_text())["frames"]) == 50
    refused = challenge(*to, "--miner-hotkey", EVE.ss58_address)
    assert refused.returncode == EFORMAT and "HTTP 401" in refused.stdout and "not me" in refused.stdout


def test_hint_for_a_file_of_this_machine(serve, networks, challenge, clips, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(clips["first"])
    service = serve(*networks, "--no-chain", "--hotkey", BOB.ss58_address)
    result = challenge("--to", f"http://127.0.0.1:{service.port}", "--video", "clip.mp4", *TO_BOB)
    assert result.returncode == EFORMAT and "--allow-host 127.0.0.1" in result.stdout, result.stdout
