"""sr25519, SS58 and wallet files against the chain's own packages, both ways, on random messages."""
import random
import subprocess

import bittensor_wallet
import pytest
import sr25519
import substrateinterface


@pytest.fixture(scope="module")
def ours(tools):
    process = subprocess.Popen([tools / "sign_tool"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(*words):
        process.stdin.write(" ".join(words) + "\n")
        process.stdin.flush()
        return process.stdout.readline().split()
    yield ask
    process.stdin.close()
    assert process.wait(10) == 0


def messages():
    rng = random.Random(44)
    lengths = [0, 1, 31, 32, 33, 144, 165, 166, 167, 332, 1000, 20000] + [rng.randrange(400) for _ in range(40)]
    return [(rng.randbytes(32), rng.randbytes(n)) for n in lengths]


def test_our_signatures_are_good_for_the_packages(ours):
    for seed, message in messages():
        public, signature = ours("sign", seed.hex(), message.hex() or "-")
        assert public == sr25519.pair_from_seed(seed)[0].hex()
        assert sr25519.verify(bytes.fromhex(signature), message, bytes.fromhex(public))
        assert not sr25519.verify(bytes.fromhex(signature), message + b"x", bytes.fromhex(public))
        pair = substrateinterface.Keypair(public_key=bytes.fromhex(public), ss58_format=42)
        assert pair.verify(message, bytes.fromhex(signature))
        pair = bittensor_wallet.Keypair(ss58_address=ours("address", public)[0])
        assert pair.verify(message, bytes.fromhex(signature))


def test_their_signatures_are_good_for_us(ours):
    for seed, message in messages():
        for kind in (substrateinterface.Keypair, bittensor_wallet.Keypair):
            pair = kind.create_from_seed("0x" + seed.hex())
            signature, public = pair.sign(message), bytes(pair.public_key)
            assert ours("verify", public.hex(), message.hex() or "-", signature.hex()) == ["1"]
            bad = bytearray(signature)
            bad[random.randrange(63)] ^= 1 << random.randrange(8)
            assert ours("verify", public.hex(), message.hex() or "-", bad.hex()) == ["0"]
            assert ours("verify", public.hex(), (message + b"!").hex(), signature.hex()) == ["0"]


def test_refused_together(ours):
    """Malleated and malformed signatures: both sides say no."""
    order = 2**252 + 27742317777372353535851937790883648493
    for seed, message in messages()[:12]:
        public, text = ours("sign", seed.hex(), message.hex() or "-")
        signature = bytes.fromhex(text)
        s = int.from_bytes(signature[32:], "little") & ~(1 << 255)
        plus_order = signature[:32] + (s + order | 1 << 255).to_bytes(32, "little")
        no_marker = signature[:63] + bytes([signature[63] & 0x7f])
        for bad in (plus_order, no_marker, bytes(64), b"\xff" * 64):
            try:
                theirs = sr25519.verify(bad, message, bytes.fromhex(public))
            except Exception:  # the package raises for what it cannot even read
                theirs = False
            assert not theirs
            assert ours("verify", public, message.hex() or "-", bad.hex()) == ["0"]


def test_addresses(ours):
    for seed, _ in messages():
        pair = substrateinterface.Keypair.create_from_seed("0x" + seed.hex(), ss58_format=42)
        assert ours("address", pair.public_key.hex()) == [pair.ss58_address]
