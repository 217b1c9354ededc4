"""A validator written from the protocol sheet, with the chain's own Python packages for everything signed.

It sends the reference's bytes: header order of httpx 0.27.2, body as Python's json.dumps makes it, head and body in
segments of their own.
"""
import datetime
import gzip
import hashlib
import json
import random
import socket
import string
import time
import zlib

import substrateinterface
import zstandard

ALICE = substrateinterface.Keypair.create_from_uri("//Alice")  # validator
BOB = substrateinterface.Keypair.create_from_uri("//Bob")  # miner
EVE = substrateinterface.Keypair.create_from_uri("//Eve")  # a stranger


def body_of(url, task="12345", **more):
    created = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return json.dumps({"challenge_id": task, "type": "gsr", "video_url": url, "created_at": created, **more}).encode()


def make_nonce(offset_s=0.0):
    letters = "".join(random.choices(string.ascii_letters + string.digits, k=10))
    return f"{time.time_ns() + int(offset_s * 1e9)}_{letters}"


def signed_headers(body, key=ALICE, miner=BOB.ss58_address, nonce=None):
    nonce = nonce or make_nonce()
    message = f"{nonce}:{miner}:{hashlib.sha256(body).hexdigest()}"
    return {"validator-hotkey": key.ss58_address, "miner-hotkey": miner, "nonce": nonce,
            "signature": "0x" + key.sign(message).hex()}


class Reply:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        encoding = headers.get("content-encoding")
        if encoding == "zstd":
            raw = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
        elif encoding == "gzip":
            raw = gzip.decompress(raw)
        elif encoding == "deflate":
            raw = zlib.decompress(raw)
        self.body = raw

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        return self.json["detail"]


def connect(port, timeout=60, source=None):
    sock = socket.create_connection(("127.0.0.1", port), timeout=timeout,
                                    source_address=(source, 0) if source else None)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_reply(sock, head_only=False):
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        if not part:
            raise ConnectionError(f"closed after {len(data)} bytes")
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length = 0 if head_only else int(headers.get("content-length", 0))
    while len(rest) < length:
        part = sock.recv(65536)
        if not part:
            raise ConnectionError("closed in the body")
        rest += part
    return Reply(int(lines[0].split()[1]), headers, rest)


def request_head(port, headers, length, encodings="gzip, deflate, zstd", path="/soccer/challenge", method="POST"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: 2130706433:{port}", "Accept: */*",
             *([f"Accept-Encoding: {encodings}"] if encodings is not None else []), "Connection: keep-alive",
             "User-Agent: python-httpx/0.27.2", "Content-Type: application/json",
             *(f"{name}: {value}" for name, value in headers.items()), f"Content-Length: {length}", "", ""]
    return "\r\n".join(lines).encode()


def send_challenge(port, body, headers=None, encodings="gzip, deflate, zstd", timeout=60, source=None):
    """The request on a connection of its own; the socket, the answer not yet read."""
    sock = connect(port, timeout, source)
    sock.sendall(request_head(port, signed_headers(body) if headers is None else headers, len(body), encodings))
    time.sleep(0.01)  # the head is a segment of its own
    sock.sendall(body)
    return sock


def challenge(port, body, headers=None, **options):
    with send_challenge(port, body, headers, **options) as sock:
        return read_reply(sock)


def get(port, path, method="GET", source=None):
    with connect(port, source=source) as sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return read_reply(sock, method == "HEAD")


def check_answer(answer, frames, width, height, task="12345"):
    """What the validator's code needs of a reply, and what ours promises beyond it."""
    assert answer["challenge_id"] == task
    assert isinstance(answer["processing_time"], (int, float)) and answer["processing_time"] > 0
    assert isinstance(answer["frames"], list)
    assert [f["frame_number"] for f in answer["frames"]] == list(range(frames))
    for frame in answer["frames"]:
        assert set(frame) == {"frame_number", "keypoints", "objects"}
        assert len(frame["keypoints"]) == 32
        for point in frame["keypoints"]:
            assert len(point) == 2 and all(round(v, 2) == v for v in point)
        for item in frame["objects"]:
            x1, y1, x2, y2 = item["bbox"]
            assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
            assert all(round(v, 2) == v for v in item["bbox"])
            assert item["class_id"] in (0, 1, 2, 3) and isinstance(item["id"], int)
