"""Wallet files made by the chain's own package."""
import json
import os
import pathlib

import bittensor_wallet
import pytest

from validator import BOB
from vice_server import wait_until


@pytest.fixture
def wallet(tmp_path):
    made = bittensor_wallet.Wallet(name="miner", hotkey="hot", path=str(tmp_path / "wallets"))
    made.create_new_hotkey(use_password=False, overwrite=True, suppress=True)
    return made, tmp_path / "wallets", tmp_path / "wallets" / "miner" / "hotkeys" / "hot"


def words(folder):
    return ["--no-chain", "--wallet.path", folder, "--wallet.name", "miner", "--wallet.hotkey", "hot"]


def test_plain_wallet(serve, networks, wallet):
    made, folder, path = wallet
    service = serve(*networks, *words(folder))
    assert f"Hotkey {made.hotkey.ss58_address}," in service.log
    assert json.loads(path.read_text())["secretPhrase"] not in service.log


def test_the_file_itself_and_the_public_half(serve, networks, wallet):
    made, folder, path = wallet
    service = serve(*networks, "--no-chain", "--wallet.path", path)
    assert f"Hotkey {made.hotkey.ss58_address}," in service.log
    public = path.with_name("hotpub.txt")
    if not public.exists():
        public.write_text(json.dumps({"ss58Address": made.hotkey.ss58_address}))
    path.unlink()
    service = serve(*networks, *words(folder))
    assert f"Hotkey {made.hotkey.ss58_address}," in service.log


def test_names_from_the_environment(serve, networks, wallet):
    made, folder, _ = wallet
    service = serve(*networks, "--no-chain", env={"BT_WALLET_PATH": str(folder), "WALLET_NAME": "miner", "HOTKEY_NAME": "hot"})
    assert f"Hotkey {made.hotkey.ss58_address}," in service.log


def test_a_file_that_others_can_read_is_told(serve, networks, wallet):
    _, folder, path = wallet
    public = path.with_name("hotpub.txt")
    if public.exists():
        public.unlink()
    os.chmod(path, 0o644)
    service = serve(*networks, *words(folder))
    assert "can be read by others" in service.log


def test_a_file_of_somebody_else(serve, networks, wallet):
    _, folder, path = wallet
    if os.getuid() == 0 and not all(up.stat().st_mode & 0o001 for up in pathlib.Path(os.environ["TOUCHLINE"]).resolve().parents):
        pytest.skip("other users cannot reach the program in this folder")
    for file in path.parent.iterdir():
        os.chmod(file, 0)
    os.chmod(path.parent, 0)
    service = serve(*networks, *words(folder), wait=False, prepare=lambda: os.getuid() or os.setuid(65534))
    assert wait_until(lambda: service.process.poll() is not None)
    os.chmod(path.parent, 0o700)
    assert service.process.poll() == 15 and "may not be read by this user" in service.log
    service.stop = lambda: 0


@pytest.mark.parametrize("field", ["publicKey", "accountId"])
def test_a_file_that_names_two_keys_is_refused(serve, networks, wallet, field):
    """The package's own file, with one field of another hotkey."""
    _, folder, path = wallet
    public = path.with_name("hotpub.txt")
    if public.exists():
        public.unlink()
    content = json.loads(path.read_text())
    assert {"ss58Address", "publicKey", "accountId"} <= content.keys()
    path.write_text(json.dumps({**content, field: "0x" + BOB.public_key.hex()}))
    service = serve(*networks, *words(folder), wait=False)
    assert wait_until(lambda: service.process.poll() is not None)
    assert service.process.poll() == 18
    assert f"ss58Address and {field} in '{path}' are not the same key" in service.log
    service.stop = lambda: 0


def test_encrypted_wallet(serve, networks, tmp_path):
    """Serving needs only the address: the public half does, without any password."""
    made = bittensor_wallet.Wallet(name="miner", hotkey="hot", path=str(tmp_path / "wallets"))
    made.create_new_hotkey(use_password=True, overwrite=True, suppress=True, hotkey_password="Pass word 1!")
    path = tmp_path / "wallets" / "miner" / "hotkeys" / "hot"
    assert path.read_bytes().startswith(b"$NACL")
    public = path.with_name("hotpub.txt")
    address = BOB.ss58_address  # decrypting takes the package half a minute, and serving never does it
    public.write_text(json.dumps({"ss58Address": address}))
    service = serve(*networks, *words(tmp_path / "wallets"))
    assert f"Hotkey {address}," in service.log
    public.unlink()
    service = serve(*networks, *words(tmp_path / "wallets"), wait=False)
    assert wait_until(lambda: service.process.poll() is not None)
    assert "is encrypted and has no public half beside it" in service.log
    service.stop = lambda: 0
