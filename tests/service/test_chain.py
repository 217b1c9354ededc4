"""The stake table from a chain node that is well, slow, broken or down."""
import json
import time

import pytest

import validator
from chain_node import ChainNode, metagraph
from validator import ALICE, BOB, EVE, body_of, signed_headers
from vice_server import wait_until

STAKES = {ALICE.public_key: 1000.5, BOB.public_key: 12.0}


def test_the_protocol_sheets_vector():
    """Section 6.2: 2 UIDs, Alice 1000.5 TAO, Bob 12 TAO."""
    raw = metagraph(44, STAKES)
    assert len(raw) == 153
    assert raw.hex() == ("01b0" + "00" * 51 + "0108" + ALICE.public_key.hex() + BOB.public_key.hex() + "00" * 15 +
                         "010807007572f2e807007841cb02" + "00" * 5)


@pytest.fixture
def node():
    chain = ChainNode(STAKES)
    yield chain
    chain.close()


@pytest.fixture
def options(networks, tmp_path):
    return [*networks, "--hotkey", BOB.ss58_address, "--allow-host", "127.0.0.1", "--stake-file", tmp_path / "stakes.json",
            "--stake-refresh", "1", "--subtensor.address"]


def ask(service, videos, key=ALICE):
    body = body_of(videos.url("good"))
    return validator.challenge(service.port, body, signed_headers(body, key=key))


def table_read(service):
    return wait_until(lambda: "Stake table of subnet" in service.log)


@pytest.mark.parametrize("transport", ["ws", "http"])
def test_stakes_are_read_and_enforced(serve, options, node, videos, transport):
    service = serve(*options, getattr(node, transport))
    assert table_read(service)
    assert ask(service, videos).status == 200
    poor = ask(service, videos, BOB)
    assert poor.status == 403 and poor.detail == "Insufficient stake of 12 - minimum is 1000"
    stranger = ask(service, videos, EVE)
    assert stranger.status == 403 and stranger.detail == "Hotkey not found in metagraph"
    assert node.calls[0] == (transport, {
        "jsonrpc": "2.0", "id": 1, "method": "state_call",
        "params": ["SubnetInfoRuntimeApi_get_selective_metagraph", "0x2c000c000034004400"]})
    assert service.metric("touchline_metagraph_hotkeys") == 2
    assert 0 <= service.metric("touchline_metagraph_age_seconds") < 30
    assert service.get("/readyz").status == 200


def test_other_minimum_and_other_subnet(serve, options, videos, networks):
    chain = ChainNode(STAKES, netuid=261)
    try:
        service = serve(*options, chain.ws, "--min-stake", "12", "--netuid", "261")
        assert table_read(service)
        assert ask(service, videos, BOB).status == 200
        assert chain.calls[0][1]["params"][1] == "0x05010c000034004400"
    finally:
        chain.close()


def test_stake_that_changes_is_noticed(serve, options, node, videos):
    service = serve(*options, node.ws, "--min-stake", "1000.5")
    assert table_read(service)
    assert ask(service, videos).status == 200
    node.stakes[ALICE.public_key] = 1000.499999999
    assert wait_until(lambda: ask(service, videos).status == 403)
    assert ask(service, videos).detail == "Insufficient stake of 1000.499999999 - minimum is 1000.5"


@pytest.mark.parametrize("transport", ["ws", "http"])
@pytest.mark.parametrize("mode", ["down", "garbage", "error", "none", "empty", "truncated", "other_subnet", "huge", "wrong_id"])
def test_a_bad_answer_keeps_the_table(serve, options, node, videos, transport, mode):
    service = serve(*options, getattr(node, transport))
    assert table_read(service)
    node.mode = mode
    assert wait_until(lambda: "was not refreshed" in service.log)
    line = next(line for line in service.log.splitlines() if "was not refreshed" in line)
    assert "s old" in line and "\n" not in line
    if mode == "error":
        assert "the chain answered: no block" in line
    assert ask(service, videos).status == 200


@pytest.mark.parametrize("mode", ["closing", "bad_accept", "http_500"])
def test_transport_faults(serve, options, node, videos, mode):
    service = serve(*options, node.http if mode == "http_500" else node.ws)
    assert table_read(service)
    node.mode = mode
    assert wait_until(lambda: "was not refreshed" in service.log)
    assert ask(service, videos).status == 200


@pytest.mark.parametrize("mode", ["fragments", "slow"])
def test_odd_but_right_answers(serve, options, node, videos, mode):
    node.mode = mode
    service = serve(*options, node.ws)
    assert table_read(service), service.log
    assert ask(service, videos).status == 200


def test_nothing_known_yet(serve, options, node, videos):
    """The service starts without the chain, says so, and learns later."""
    node.mode = "down"
    service = serve(*options, node.ws)
    assert wait_until(lambda: "no validator is known yet" in service.log)
    ready = service.get("/readyz")
    assert ready.status == 503 and ready.json == {"ready": False, "reason": "no stake table yet"}
    assert ask(service, videos).status == 403
    assert service.get("/healthz").status == 200
    node.mode = "good"
    assert wait_until(lambda: ask(service, videos).status == 200)
    assert service.get("/readyz").status == 200


def test_the_table_of_the_last_run(serve, options, node, videos, tmp_path):
    service = serve(*options, node.ws)
    assert table_read(service)
    assert wait_until((tmp_path / "stakes.json").exists)
    assert service.stop() == 0
    saved = json.loads((tmp_path / "stakes.json").read_text())
    assert saved["netuid"] == 44 and abs(saved["time"] - time.time()) < 60
    assert saved["nodes"] == {ALICE.ss58_address: {"tao_stake": 1000.5}, BOB.ss58_address: {"tao_stake": 12.0}}
    node.mode = "down"
    again = serve(*options, node.ws)
    assert "Stake table of the last run: 2 hotkeys" in again.log
    assert ask(again, videos).status == 200
    assert ask(again, videos, BOB).status == 403


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"netuid": 44, "time": 1, "nodes": {"x": {"tao_stake": 1}}}',
                                  '{"netuid": 43, "time": 1, "nodes": {}}', "\0" * 100, "[" * 100000,
                                  '{"netuid": 44, "time": 99999999999, "nodes": {"%s": {"tao_stake": 1}}}' % ALICE.ss58_address])
def test_a_damaged_table(serve, options, node, videos, tmp_path, text):
    (tmp_path / "stakes.json").write_text(text)
    service = serve(*options, node.ws)
    assert "Stake table of the last run" not in service.log
    assert table_read(service)
    assert ask(service, videos).status == 200


def test_without_a_folder_of_ones_own_no_table_is_kept(serve, networks, node, videos):
    """A folder that all users share could hold somebody else's table."""
    service = serve(*networks, "--hotkey", BOB.ss58_address, "--allow-host", "127.0.0.1", "--subtensor.address", node.ws,
                    env={"HOME": "", "XDG_CACHE_HOME": ""})
    assert "The stake table is not kept between runs" in service.log
    assert table_read(service)
    assert ask(service, videos).status == 200
    assert "cannot be written" not in service.log and "damaged" not in service.log


def test_an_old_table_is_not_ready(serve, options, node, tmp_path):
    node.mode = "down"
    (tmp_path / "stakes.json").write_text(json.dumps(
        {"netuid": 44, "time": int(time.time()) - 7200, "nodes": {ALICE.ss58_address: {"tao_stake": 5000}}}))
    service = serve(*options, node.ws, "--stake-max-age", "3600")
    ready = service.get("/readyz")
    assert ready.status == 503 and ready.json["reason"] == "the stake table is too old"
    assert service.metric("touchline_metagraph_age_seconds") >= 7200


def test_allowed_hotkeys_need_no_stake(serve, options, node, videos):
    service = serve(*options, node.ws, "--allow-hotkey", EVE.ss58_address)
    assert table_read(service)
    assert ask(service, videos, EVE).status == 200
    assert ask(service, videos, BOB).status == 403


def test_no_chain_at_all(serve, networks, videos):
    service = serve(*networks, "--no-chain", "--hotkey", BOB.ss58_address, "--allow-host", "127.0.0.1")
    assert "every signed request is served" in service.log
    assert ask(service, videos, EVE).status == 200
    assert service.get("/readyz").status == 200


@pytest.mark.parametrize("mode", ["silent", "pings"])
def test_stop_waits_for_no_chain(serve, options, node, mode):
    node.mode = mode
    service = serve(*options, node.ws)
    assert wait_until(lambda: node.calls or mode == "silent")
    begin = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("words,message", [
    (["--subtensor.network", "nowhere"], "unknown network 'nowhere'"),
    (["--hotkey", "5nonsense"], "'5nonsense' is no hotkey address"),
    (["--hotkey", BOB.ss58_address, "--allow-hotkey", "x", "--no-chain"], "--allow-hotkey: 'x' is no hotkey address"),
    (["--hotkey", BOB.ss58_address, "--no-chain", "--allow-host", "no-such-host.invalid"], "does not resolve"),
    (["--wallet.path", "/nonexistent", "--wallet.name", "a", "--wallet.hotkey", "b"], "no hotkey at '/nonexistent/a/hotkeys/b'"),
    (["--hotkey", BOB.ss58_address, "--no-chain", "--listen", "nonsense"], "--listen takes ADDRESS:PORT"),
    (["--hotkey", BOB.ss58_address, "--no-chain", "--listen", "example.org:1"], "--listen takes a numeric ADDRESS:PORT"),
])
def test_bad_settings(serve, networks, words, message):
    hotkey = [] if {"--hotkey", "--wallet.path"} & set(words) else ["--hotkey", BOB.ss58_address]
    service = serve(*networks, *hotkey, *words, wait=False)
    status = service.process.wait(60)
    assert status not in (0, None) and message in service.log, service.log
    service.stop = lambda: 0
