"""A small node of the chain: JSON-RPC over WebSocket and over HTTP POST on one port, loopback only.

    node = ChainNode({ALICE_KEY: 1000.5, BOB_KEY: 12})     # hotkey bytes -> TAO
    node.mode = "down"                                     # how it behaves from now on, see MODES
"""
import base64
import hashlib
import json
import socket
import struct
import threading
import time

MODES = ("good", "down", "slow", "silent", "garbage", "error", "none", "empty", "truncated", "other_subnet", "huge",
         "wrong_id", "fragments", "http_500", "closing", "bad_accept", "pings")
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def compact(n):
    if n < 1 << 6:
        return bytes([n << 2])
    if n < 1 << 14:
        return struct.pack("<H", n << 2 | 1)
    if n < 1 << 30:
        return struct.pack("<I", n << 2 | 2)
    raw = n.to_bytes((n.bit_length() + 7) // 8, "little")
    return bytes([len(raw) - 4 << 2 | 3]) + raw


def metagraph(netuid, stakes):
    """Option<SelectiveMetagraph> with hotkeys (52) and tao_stake (68) of its 74 fields."""
    keys, tao = list(stakes), list(stakes.values())
    return (b"\x01" + compact(netuid) + bytes(51) + b"\x01" + compact(len(keys)) + b"".join(keys) + bytes(15) + b"\x01" +
            compact(len(tao)) + b"".join(compact(round(t * 10**9)) for t in tao) + bytes(5))


class ChainNode:
    def __init__(self, stakes, netuid=44, tls=None):
        self.stakes, self.netuid, self.mode = dict(stakes), netuid, "good"
        self.calls, self.tls = [], tls  # ssl.SSLContext: wss and https
        self.stopping = threading.Event()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def ws(self):
        return f"ws{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    @property
    def http(self):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/"

    def close(self):
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while not self.stopping.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock:
            try:
                if self.mode != "down":
                    sock = self.tls.wrap_socket(sock, server_side=True) if self.tls else sock
                    self._talk(sock, sock.makefile("rb"))
            except (OSError, ValueError, KeyError, struct.error):
                pass

    def _talk(self, sock, stream):
        first = stream.readline(8192)
        headers = {}
        while (line := stream.readline(8192).decode().strip()):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if self.mode == "silent":
            self.stopping.wait(60)
            return
        if first.startswith(b"POST"):
            assert headers["content-type"] == "application/json"
            text = self._answer(json.loads(stream.read(int(headers["content-length"]))), "http").encode()
            status = b"500 Internal Server Error" if self.mode == "http_500" else b"200 OK"
            sock.sendall(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" %
                         (status, len(text), text))
            return
        key = headers["sec-websocket-key"] + ("x" if self.mode == "bad_accept" else "")
        accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        sock.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        opcode, payload = self._frame(stream)
        assert opcode == 1
        self._send(sock, self._answer(json.loads(payload), "ws").encode(), stream)
        self._frame(stream)  # close

    @staticmethod
    def _frame(stream):
        a, b = stream.read(2)
        assert b & 0x80, "a client masks its frames"
        n = b & 127
        if n == 126:
            n, = struct.unpack(">H", stream.read(2))
        elif n == 127:
            n, = struct.unpack(">Q", stream.read(8))
        mask, data = stream.read(4), stream.read(n)
        return a & 15, bytes(c ^ mask[i & 3] for i, c in enumerate(data))

    @staticmethod
    def _pack(opcode, data, fin=True):
        n = len(data)
        size = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n)
        return bytes([opcode | (0x80 if fin else 0)]) + size + data

    def _send(self, sock, text, stream):
        if self.mode == "closing":
            sock.sendall(self._pack(8, b"\x03\xe8bye"))
        elif self.mode == "garbage":
            sock.sendall(hashlib.shake_256(b"node").digest(4000))
        elif self.mode == "fragments":
            half = len(text) // 2
            sock.sendall(self._pack(1, text[:half], fin=False))
            sock.sendall(self._pack(9, b"are you there?"))
            opcode, payload = self._frame(stream)
            assert (opcode, payload) == (10, b"are you there?")
            sock.sendall(self._pack(0, text[half:]))
        elif self.mode == "pings":
            while not self.stopping.is_set():
                sock.sendall(self._pack(9, b"x" * 100))
                time.sleep(0.01)
        else:
            sock.sendall(self._pack(1, text))

    def _answer(self, call, transport):
        self.calls.append((transport, call))
        mode, stakes, netuid = self.mode, self.stakes, self.netuid
        if mode == "slow":
            self.stopping.wait(1.0)
        if mode == "garbage":
            return "{" * 5000
        if mode == "error":
            return json.dumps({"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32000, "message": "no\nblock"}})
        raw = metagraph(netuid + (1 if mode == "other_subnet" else 0), {} if mode == "empty" else stakes)
        if mode == "none":
            raw = b"\x00"
        if mode == "truncated":
            raw = raw[:-20]
        if mode == "huge":
            raw = b"\x01" + compact(netuid) + bytes(51) + b"\x01" + compact(1 << 29)
        return json.dumps({"jsonrpc": "2.0", "id": call["id"] + (mode == "wrong_id"), "result": "0x" + raw.hex()})
