"""`touchline register`: its bytes against the chain's own Python packages, and the whole way against a small node.

What is judged by whom: single values (compact numbers, eras, addresses) by scalecodec; the signature by
py-sr25519-bindings through substrate-interface; the layout as a whole by a transaction of the main network
(tests/unit/service/test_op_extrinsic.c). No metadata of a live runtime is available to these tests.
"""
import hashlib
import http.server
import json
import os
import pty
import re
import subprocess
import termios
import threading

import bittensor_wallet
import pytest
from scalecodec.base import RuntimeConfigurationObject, ScaleBytes
from scalecodec.type_registry import load_type_registry_preset
from substrateinterface.utils.hasher import xxh128

from validator import ALICE

EUSAGE, ENOENT, EDENIED, EFORMAT, ENET = 2, 3, 15, 7, 14
GENESIS, FINALIZED = "2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03", "ab" * 32
ALICE_SEED = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"
OFFLINE = ["--dry-run", "--genesis", GENESIS, "--seed", ALICE_SEED, "--external-ip", "8.8.4.4"]

TYPES = RuntimeConfigurationObject()
TYPES.update_type_registry(load_type_registry_preset("core"))
TYPES.update_type_registry(load_type_registry_preset("legacy"))


def scale(name, value):
    return bytes(TYPES.create_scale_object(name).encode(value).data)


def call_bytes(netuid=44, ip="8.8.4.4", port=7999):
    number = int.from_bytes(bytes(map(int, ip.split("."))), "big")
    return (bytes([7, 4]) + scale("u16", netuid) + scale("u32", 1) + scale("u128", number) + scale("u16", port) +
            scale("u8", 4) + scale("u8", 4) + scale("u8", 0) + scale("u8", 0))


def printed(result, name):
    return bytes.fromhex(re.search(rf"^{name} +0x([0-9a-f]+)$", result.stdout, re.M)[1])


@pytest.fixture
def register(binary, environment, tmp_path):
    def run(*words, env=None):
        return subprocess.run([binary, "register", *map(str, words)], capture_output=True, text=True, cwd=tmp_path,
                              env={**environment, **(env or {})}, timeout=60, stdin=subprocess.DEVNULL)
    return run


def check_extrinsic(extrinsic, payload, key=ALICE):
    """Envelope and signature; answers what lies between signature and call."""
    length = TYPES.create_scale_object("Compact<u32>", ScaleBytes(bytearray(extrinsic)))
    size = length.decode(check_remaining=False)
    body = extrinsic[-size:]
    assert scale("Compact<u32>", size) + body == extrinsic
    assert body[:2] == b"\x84\x00" and body[2:34] == key.public_key and body[34] == 1
    assert key.verify(payload, body[35:99])
    assert body.endswith(payload[:30])
    return body[99:-30]


def test_bytes_without_a_chain(register):
    for nonce in (0, 7, 63, 64, 16384, 2**31 - 1):
        result = register(*OFFLINE, "--nonce", nonce, "--spec-version", 470, "--port", 8091, "--netuid", 261)
        assert result.returncode == 0, result.stderr
        call, payload = printed(result, "call bytes"), printed(result, "signed text")
        assert call == call_bytes(261, port=8091)
        extra = scale("Era", "00") + scale("Compact<u32>", nonce) + scale("Compact<u64>", 0) + b"\x00"
        assert payload == (call + extra + scale("u32", 470) + scale("u32", 1) + bytes.fromhex(GENESIS) * 2 + b"\x00")
        assert check_extrinsic(printed(result, "extrinsic"), payload) == extra


@pytest.mark.parametrize("words, code", [
    (["--external-ip", "127.0.0.1"], EUSAGE), (["--external-ip", "10.1.2.3"], EUSAGE), (["--external-ip", "::1"], EUSAGE),
    (["--external-ip", "host"], EUSAGE), ([], EUSAGE), (["--external-ip", "8.8.4.4", "--port", "0"], EUSAGE),
    (["--external-ip", "8.8.4.4", "--genesis", "12", "--seed", ALICE_SEED, "--dry-run"], EUSAGE),
    (["--external-ip", "8.8.4.4", "--genesis", GENESIS, "--wallet.path", "none"], ENOENT),
    (["--external-ip", "8.8.4.4", "--seed", ALICE_SEED], EUSAGE)])
def test_wrong_use(register, words, code):
    result = register(*words)
    assert result.returncode == code, result.stdout + result.stderr


class Node(http.server.ThreadingHTTPServer):
    """Answers what register asks; `validity` is the runtime's verdict, `fault` a method that fails."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.validity, self.fault, self.registered, self.sent, self.axon = "0x000000", None, True, [], None
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def storage(self, key):
        blake = hashlib.blake2b(ALICE.public_key, digest_size=16).digest() + ALICE.public_key
        place = (44).to_bytes(2, "little") + blake
        pallet = bytes(xxh128(b"SubtensorModule"))
        uids, axons = pallet + bytes(xxh128(b"Uids")) + place, pallet + bytes(xxh128(b"Axons")) + place
        if key == "0x" + uids.hex():
            return "0x0500" if self.registered else None
        assert key == "0x" + axons.hex(), key
        if self.sent:
            call = self.sent[-1][-30:]
            return "0x" + ((77).to_bytes(8, "little") + call[4:]).hex()
        return self.axon

    def answer(self, method, params):
        self.asked.append(method)
        if method == self.fault:
            raise ValueError(method)
        if method == "state_call":
            assert params[0] == "TaggedTransactionQueue_validate_transaction"
            data = bytes.fromhex(params[1][2:])
            assert data[0] == 2 and data[-32:] == bytes.fromhex("cd" * 32)
            return self.validity
        if method == "author_submitExtrinsic":
            self.sent.append(bytes.fromhex(params[0][2:]))
            return "0x" + hashlib.blake2b(self.sent[-1], digest_size=32).hexdigest()
        return {"chain_getBlockHash": lambda: "0x" + (GENESIS if params else "cd" * 32),
                "chain_getFinalizedHead": lambda: "0x" + FINALIZED, "chain_getHeader": lambda: {"number": "0x8be70f"},
                "state_getRuntimeVersion": lambda: {"specVersion": 470, "transactionVersion": 1},
                "system_accountNextIndex": lambda: 41390 if params == [ALICE.ss58_address] else None,
                "state_getStorage": lambda: self.storage(params[0])}[method]()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        reply = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            reply["result"] = self.server.answer(asked["method"], asked["params"])
        except ValueError:
            reply["error"] = {"code": -1, "message": "no such thing", "data": "really"}
        data = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def node():
    made = Node()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def wallet(tmp_path):
    made = bittensor_wallet.Wallet(name="miner", hotkey="hot", path=str(tmp_path / "wallets"))
    made.set_hotkey(bittensor_wallet.Keypair.create_from_uri("//Alice"), encrypt=False, overwrite=True)
    return tmp_path / "wallets/miner/hotkeys/hot"


def words(node, folder="wallets"):
    return ["--external-ip", "8.8.4.4", "--subtensor.address", node.url, "--wallet.path", folder, "--wallet.name", "miner",
            "--wallet.hotkey", "hot"]


def test_the_whole_way(register, node, wallet):
    looked = register(*words(node), "--dry-run")
    assert looked.returncode == 0, looked.stdout + looked.stderr
    assert "registered   yes, uid 5" in looked.stdout and "now          nothing" in looked.stdout
    assert "node         would take it" in looked.stdout and not node.sent
    payload = printed(looked, "signed text")
    era = scale("Era", {"period": 64, "current": 0x8be70f})
    extra = era + scale("Compact<u32>", 41390) + b"\x00\x00"
    assert payload == (call_bytes() + extra + scale("u32", 470) + scale("u32", 1) + bytes.fromhex(GENESIS) +
                       bytes.fromhex(FINALIZED) + b"\x00")
    assert check_extrinsic(printed(looked, "extrinsic"), payload) == extra

    unasked = register(*words(node))
    assert unasked.returncode == EUSAGE and "--yes" in unasked.stderr and not node.sent
    result = register(*words(node), "--yes")
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(node.sent) == 1 and "arrived      in block 77" in result.stdout
    check_extrinsic(node.sent[0], payload)
    assert "now          8.8.4.4:7999, announced in block 77" in register(*words(node), "--dry-run").stdout


@pytest.mark.parametrize("validity, sentence", [("0x010004", "signature"), ("0x0100070c", "50 blocks"),
                                                ("0x0100070a", "not registered"), ("0x010003", "used already")])
def test_a_node_that_refuses(register, node, wallet, validity, sentence):
    node.validity = validity
    result = register(*words(node), "--yes")
    assert result.returncode == EDENIED and sentence in result.stderr and not node.sent


def test_not_registered_and_broken_nodes(register, node, wallet):
    node.registered = False
    assert "registered   no" in register(*words(node), "--dry-run").stdout
    for method in sorted(set(node.asked)):
        node.fault = method
        result = register(*words(node), "--yes")
        assert result.returncode in (EDENIED, EFORMAT), (method, result.stderr)
        assert method in result.stderr and "no such thing: really" in result.stderr
        assert not node.sent
    node.fault = None
    node.url_down = register("--external-ip", "8.8.4.4", "--subtensor.address", "http://127.0.0.1:1", "--wallet.path",
                             "wallets", "--wallet.name", "miner", "--wallet.hotkey", "hot")
    assert node.url_down.returncode == ENET


def test_encrypted_hotkeys(register, node, wallet):
    """Both forms the wallet's package writes, unlocked by a password of the environment."""
    plain = wallet.read_bytes()
    for encrypt in (bittensor_wallet.keyfile.encrypt_keyfile_data, bittensor_wallet.keyfile.legacy_encrypt_keyfile_data):
        wallet.write_bytes(bytes(encrypt(plain, "secret-Pass1")))
        good = register(*words(node), "--dry-run", env={"BT_WALLET_PASSWORD": "secret-Pass1"})
        assert good.returncode == 0, good.stderr
        assert f"hotkey       {ALICE.ss58_address}" in good.stdout
        assert "secret-Pass1" not in good.stdout + good.stderr
    bad = register(*words(node), "--dry-run", env={"BT_WALLET_PASSWORD": "other"})
    assert bad.returncode == EDENIED and "wrong password" in bad.stderr


@pytest.mark.parametrize("typed,code", [(b"secret-Pass1\n", 0), (b"wrong\x15secret-Pasx\x7fs1\n", 0), (b"\x03", EDENIED),
                                        (b"secret-Pass1\x03", EDENIED), (b"\x04", EDENIED), (b"\n", EDENIED),
                                        (b"x" * 5000 + b"\n", EDENIED)])
def test_password_from_the_terminal(binary, environment, node, wallet, typed, code):
    """Asked for on the terminal, not shown there, and the terminal is as before afterwards, also when it was refused."""
    plain = wallet.read_bytes()
    wallet.write_bytes(bytes(bittensor_wallet.keyfile.legacy_encrypt_keyfile_data(plain, "secret-Pass1")))
    arguments = [binary, "register", *words(node, wallet.parents[2]), "--dry-run"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(binary, [str(a) for a in arguments], environment)
    before = termios.tcgetattr(terminal)
    seen = b""
    while b"Password of " not in seen or not seen.endswith(b": "):
        seen += os.read(terminal, 1000)
    os.write(terminal, typed)
    try:
        while part := os.read(terminal, 65536):
            seen += part
    except OSError:
        pass  # the other end is gone
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code, seen
    assert b"Pas" not in seen.split(b": ", 1)[1] and (b"would take it" in seen) == (code == 0)
    assert termios.tcgetattr(terminal) == before


def test_no_terminal_and_no_password(binary, environment, node, wallet):
    wallet.write_bytes(bytes(bittensor_wallet.keyfile.legacy_encrypt_keyfile_data(wallet.read_bytes(), "secret-Pass1")))
    result = subprocess.run([binary, "register", *map(str, words(node, wallet.parents[2])), "--dry-run"], env=environment,
                            capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True, timeout=60)
    assert result.returncode == EDENIED and "BT_WALLET_PASSWORD" in result.stderr
