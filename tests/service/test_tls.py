"""https and wss: a certificate of a known authority is taken, every other one is refused with a sentence that says why.

The authority is made by openssl for the run; the programs learn of it by SSL_CERT_FILE.
"""
import json
import ssl
import subprocess

import pytest

import validator
from chain_node import ChainNode
from conftest import need
from validator import ALICE, BOB, body_of, signed_headers
from vice_server import ViceServer, sha256, wait_until

# kind of certificate -> what the refusal says; curl's words with OpenSSL, which vary a little with its version
BAD = {"wrong_name": "certificate subject name", "expired": "certificate has expired", "self_signed": "self-signed certificate",
       "unknown_authority": "unable to get local issuer certificate"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    need("openssl")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True, timeout=60)

    def key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"]
    for name in ("authority", "stranger"):
        openssl("req", "-x509", *key(name), "-out", f"{name}.crt", "-days", 2, "-subj", f"/CN={name}",
                "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-x509", *key("self_signed"), "-out", "self_signed.crt", "-days", 2, "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1")
    for name, issuer, days, subject in (("good", "authority", 2, "IP:127.0.0.1"), ("expired", "authority", -1, "IP:127.0.0.1"),
                                        ("wrong_name", "authority", 2, "DNS:example.org"),
                                        ("unknown_authority", "stranger", 2, "IP:127.0.0.1")):
        (folder / "extensions").write_text(f"subjectAltName={subject}\n")
        openssl("req", *key(name), "-out", f"{name}.csr", "-subj", "/CN=server")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-CAcreateserial", "-days",
                days, "-extfile", "extensions", "-out", f"{name}.crt")
    return folder


def context(certificates, kind):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificates / f"{kind}.crt", certificates / f"{kind}.key")
    return made


@pytest.fixture(scope="module")
def trusting(certificates):
    return {"SSL_CERT_FILE": str(certificates / "authority.crt")}


@pytest.fixture
def https(certificates, clips):
    """https(kind): a video server with a certificate of that kind."""
    running = []

    def start(kind):
        running.append(ViceServer(clips["first"], clips["last"], tls=context(certificates, kind)))
        return running[-1]
    yield start
    for server in running:
        server.close()


@pytest.fixture
def fetch(tools, environment, trusting):
    def run(url, tries=3):
        result = subprocess.run([tools / "fetch_tool", url, "allow=127.0.0.1", f"tries={tries}"], capture_output=True, text=True,
                                timeout=60, env={**environment, **trusting})
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)
    return run


@pytest.mark.parametrize("vice", ["good", "chunked", "cut", "index_last"])
def test_a_good_certificate(fetch, https, vice):
    server = https("good")
    result = fetch(server.url(vice))
    wanted = server.tail_clip if vice == "index_last" else server.clip
    assert (result["code"], result["sha256"]) == ("OK", sha256(wanted)), result


@pytest.mark.parametrize("kind", BAD)
def test_other_certificates_are_refused(fetch, https, kind):
    server = https(kind)
    url = server.url("good")
    result = fetch(url, tries=1)
    assert result["code"] == "ENET" and BAD[kind] in result["text"], result
    assert result["text"].startswith("the download failed: ")
    assert server.requests(url) == [], "nothing was asked of it"


def test_without_the_authority_it_is_unknown(tools, environment, https):
    server = https("good")
    result = subprocess.run([tools / "fetch_tool", server.url("good"), "allow=127.0.0.1", "tries=1"], capture_output=True,
                            text=True, timeout=60, env=environment)
    assert BAD["unknown_authority"] in result.stdout


def test_a_challenge_with_an_https_video(serve, private_options, https, trusting):
    service = serve(*private_options, env=trusting)
    reply = service.challenge(https("good").url("good"))
    assert reply.status == 200, reply.body
    validator.check_answer(reply.json, 50, 320, 180)
    reply = service.challenge(https("expired").url("good"))
    assert reply.status == 400 and BAD["expired"] in reply.detail


def test_the_command_checks_certificates_too(binary, environment, networks, https, trusting, tmp_path):
    """`process` reads https by FFmpeg, which would take any certificate if it were not told."""
    def process(kind, env):
        return subprocess.run([binary, "process", https(kind).url("good"), *networks, "-o", tmp_path / "out.jsonl", "-y"],
                              capture_output=True, text=True, timeout=120, env={**environment, **env})
    result = process("good", trusting)
    assert result.returncode == 0, result.stderr
    for kind in BAD:
        assert process(kind, trusting).returncode != 0, kind
    assert process("good", {}).returncode != 0


# --- the chain

@pytest.fixture
def node(certificates):
    """node(kind): a chain node behind TLS with a certificate of that kind."""
    running = []

    def start(kind):
        running.append(ChainNode({ALICE.public_key: 1000.5, BOB.public_key: 12.0}, tls=context(certificates, kind)))
        return running[-1]
    yield start
    for chain in running:
        chain.close()


@pytest.fixture
def options(networks, tmp_path):
    return [*networks, "--hotkey", BOB.ss58_address, "--allow-host", "127.0.0.1", "--stake-file", tmp_path / "stakes.json",
            "--stake-refresh", "1", "--subtensor.address"]


@pytest.mark.parametrize("transport", ["ws", "http"])
@pytest.mark.parametrize("mode", ["good", "fragments"])
def test_stakes_over_tls(serve, options, node, videos, trusting, transport, mode):
    chain = node("good")
    chain.mode = mode
    address = getattr(chain, transport)
    assert address.startswith(("wss://", "https://"))
    service = serve(*options, address, env=trusting)
    assert wait_until(lambda: "Stake table of subnet 44 read: 2 hotkeys" in service.log), service.log
    body = body_of(videos.url("good"))
    assert validator.challenge(service.port, body, signed_headers(body)).status == 200
    assert chain.calls[0][0] == transport


@pytest.mark.parametrize("transport", ["ws", "http"])
@pytest.mark.parametrize("kind", BAD)
def test_a_chain_with_another_certificate_is_refused(serve, options, node, trusting, transport, kind):
    chain = node(kind)
    service = serve(*options, getattr(chain, transport), env=trusting)
    assert wait_until(lambda: "The stake table was not read: the chain at" in service.log), service.log
    assert BAD[kind] in service.log
    assert chain.calls == []
    assert service.get("/readyz").status == 503
