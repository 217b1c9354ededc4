"""What each vice of a video server gives. docs/download.md is this table in words."""
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

import validator
from conftest import boxes, index_at, need
from vice_server import ViceServer, sha256, wait_until

TRUNCATED = "the server ended the download too early"
PAGE = "the address answers with a web page instead of a video"
PRIVATE = "the address leads to a private network, which is refused"
LARGE = "the video is larger than this service takes"
SHORT = dict(stall=1, total=6, tries=2)

# vice, settings of the downloader, outcome: "clip" or (code, part of the sentence)
TABLE = [
    ("good", {}, "clip"),
    ("no_ranges", {}, "clip"),
    ("chunked", {}, "clip"),
    ("no_length", {}, "clip"),
    ("mislabelled", {}, "clip"),
    ("index_last", dict(tail=1), "tail_clip"),
    ("index_last_no_ranges", dict(tail=1), "tail_clip"),
    ("slow", {}, "big"),
    ("drip", dict(total=2), ("ETIMEOUT", "the download took too long")),
    ("stall", SHORT, ("ETIMEOUT", "the server sent nothing for 1 s")),
    ("stall_once", SHORT, "clip"),
    ("silent", SHORT, ("ETIMEOUT", "")),
    ("slow_head", SHORT, ("ETIMEOUT", "")),
    ("cut", {}, "clip"),
    ("cut_once_no_ranges", {}, "clip"),
    ("cut_always", dict(tries=2), ("ETRUNCATED", TRUNCATED)),
    ("cut_early", dict(tries=2), ("ETRUNCATED", TRUNCATED)),
    ("reset", dict(tries=2), ("ENET", "the download failed")),
    ("long_length", dict(tries=2), ("ETRUNCATED", TRUNCATED)),
    ("short_length", {}, "short"),
    ("ranges_ignored", {}, "clip"),
    ("wrong_range", {}, ("ENET", "the server sent another part of the file than was asked for")),
    ("changed", {}, ("ENET", "the file changed while it was downloaded")),
    ("gigantic", {}, ("ELIMIT", LARGE)),
    ("endless", dict(max=30e6), ("ELIMIT", LARGE)),
    ("good", dict(max=1000), ("ELIMIT", LARGE)),
    ("no_http", dict(tries=2), ("ENET", "the download failed")),
    ("header_flood", dict(tries=2), ("ENET", "the download failed")),
    ("empty", {}, ("EEMPTY", "the address answers with an empty file")),
    ("404", {}, ("ENOENT", "the server answered 404")),
    ("403", {}, ("EDENIED", "the server answered 403")),
    ("500", dict(tries=2), ("ENET", "the server answered 500")),
    ("500_once", {}, "clip"),
    ("304", {}, ("ENET", "")),
    ("page", {}, ("EFORMAT", PAGE)),
    ("page_unlabelled", {}, ("EFORMAT", PAGE)),
    ("confirm", {}, "clip"),
    ("confirm_private", {}, ("EDENIED", PRIVATE)),
    ("redirect", {}, "clip"),
    ("redirect_5", {}, "clip"),
    ("redirect_6", {}, ("ENET", "Maximum (5) redirects followed")),
    ("redirect_loop", {}, ("ENET", "Maximum (5) redirects followed")),
    ("redirect_file", {}, ("ENET", "")),
    ("redirect_user", {}, ("ENET", "")),
    ("redirect_private", {}, ("EDENIED", PRIVATE)),
    ("redirect_private_number", {}, ("EDENIED", PRIVATE)),
]


@pytest.mark.parametrize("vice,settings,outcome", TABLE, ids=[f"{row[0]}-{i}" for i, row in enumerate(TABLE)])
def test_vice(fetch, videos, vice, settings, outcome):
    begin = time.monotonic()
    result = fetch(videos.url(vice), **settings)
    assert time.monotonic() - begin < 40
    if isinstance(outcome, tuple):
        assert result["code"] == outcome[0], result
        assert outcome[1] in result["text"] and result["text"], result
        return
    wanted = {"clip": videos.clip, "tail_clip": videos.tail_clip, "big": videos.big,
              "short": videos.clip[:len(videos.clip) - 20000]}[outcome]
    assert (result["code"], result["bytes"], result["sha256"]) == ("OK", len(wanted), sha256(wanted)), result
    assert result["text"] == ""


def test_resumes_where_it_stopped(fetch, videos):
    """A server that breaks every answer after 70000 bytes: nothing comes twice."""
    url = videos.url("cut")
    result = fetch(url)
    assert result["code"] == "OK" and result["received"] == len(videos.clip)
    spans = [r[1] for r in videos.requests(url)]
    assert spans[0] is None and spans[1].startswith("bytes=70000-"), spans
    assert result["retries"] == len(spans) - 1


def test_only_the_same_version_is_continued(fetch, videos):
    url = videos.url("changed")
    assert fetch(url)["code"] == "ENET"
    assert videos.requests(url)[1][2]["if-range"] == '"one"'


def test_tries_are_limited(fetch, videos):
    url = videos.url("500")
    assert fetch(url)["retries"] == 2
    assert len(videos.requests(url)) == 3
    url = videos.url("404")
    assert fetch(url)["retries"] == 0
    assert len(videos.requests(url)) == 1, "what will not change is not asked again"


def test_index_at_the_end_is_fetched_at_once(fetch, videos):
    """A seek to the end makes a request of its own; it does not wait for what lies between."""
    url = videos.url("slow")
    result = fetch(url, tail=1)
    assert result["code"] == "OK" and result["sha256"] == sha256(videos.big)
    assert any(r[1] and int(r[1][6:].split("-")[0]) == len(videos.big) - 1000 for r in videos.requests(url))
    assert result["tail_s"] < result["seconds"]


def test_several_connections_when_one_is_slow(fetch, videos):
    url = videos.url("slow")
    many = fetch(url, workers=8)
    assert many["connections"] > 1
    assert all(r[1] is None or r[2].get("if-range") for r in videos.requests(url))
    assert fetch(videos.url("slow"), workers=1)["connections"] == 1


def test_one_connection_for_a_small_file(fetch, videos):
    """Less than a megabyte is never shared, however slow."""
    assert fetch(videos.url("slow_tail"))["connections"] == 1


def test_connections_are_kept(fetch, videos):
    first, second = fetch(videos.url("good"), again=1)
    assert first["code"] == second["code"] == "OK"
    url = videos.url("good")
    assert len(fetch(url, again=3)) == 4 and len(videos.requests(url)) == 4


def test_no_credentials_no_cookies_no_proxy(fetch, videos, monkeypatch, environment):
    environment = dict(environment, http_proxy="http://127.0.0.2:1", ALL_PROXY="http://127.0.0.2:1")
    url = videos.url("good")
    assert fetch(url)["code"] == "OK"
    headers = videos.requests(url)[0][2]
    assert set(headers) <= {"host", "user-agent", "accept"}


def test_no_credentials_of_a_redirect(fetch, videos):
    url = videos.url("redirect_user")
    fetch(url, tries=1)
    assert videos.requests(url.replace("redirect_user", "good")) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://no-such-host.invalid/x"])
def test_nobody_there(fetch, url):
    result = fetch(url, tries=1)
    assert result["code"] in ("ENET", "ENOENT") and "the download failed" in result["text"]


@pytest.mark.parametrize("url,code", [("ftp://127.0.0.1/x", "EDENIED"), ("file:///etc/passwd", "EDENIED"), ("x", "EDENIED"),
                                      ("http://", "EUSAGE"), ("http://a:b@127.0.0.1/", "EDENIED"),
                                      ("http://127.0.0.1/\n", "EUSAGE")])
def test_addresses_that_are_not_even_tried(fetch, url, code):
    assert fetch(url)["code"] == code


def test_a_certificate_that_nobody_vouches_for(fetch, videos, tmp_path):
    need("openssl")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key", "-out", tmp_path / "crt",
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                   capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    listener = socket.create_server(("127.0.0.1", 0))
    requests = []

    def serve():
        while True:
            try:
                with context.wrap_socket(listener.accept()[0], server_side=True) as sock:
                    requests.append(sock.recv(4096))
            except ssl.SSLError:
                pass
            except OSError:
                return
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    result = fetch(f"https://127.0.0.1:{listener.getsockname()[1]}/x.mp4", tries=1)
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)
    assert result["code"] == "ENET" and "certificate" in result["text"], result
    assert requests == []


# --- through the whole service: status and text

SERVICE = [
    ("good", 200, None),
    ("index_last", 200, None),
    ("index_last_no_ranges", 200, None),
    ("no_ranges", 200, None),
    ("chunked", 200, None),
    ("no_length", 200, None),
    ("cut", 200, None),
    ("500_once", 200, None),
    ("confirm", 200, None),
    ("redirect_5", 200, None),
    ("404", 400, "the server answered 404"),
    ("403", 400, "the server answered 403"),
    ("page", 400, PAGE),
    ("empty", 400, "the address answers with an empty file"),
    ("gigantic", 400, LARGE),
    ("redirect_private", 400, PRIVATE),
    ("redirect_loop", 400, None),
    ("wrong_range", 200, None),
    ("garbage", 400, None),
    ("cut_early", 400, None),
]


@pytest.mark.parametrize("vice,status,detail", SERVICE, ids=[row[0] for row in SERVICE])
def test_service(service, videos, vice, status, detail):
    reply = service.challenge(videos.url(vice))
    assert reply.status == status, reply.body
    if status == 200:
        assert [f["frame_number"] for f in reply.json["frames"]] == list(range(50))
    else:
        assert set(reply.json) == {"detail"} and reply.detail
        assert detail is None or reply.detail == detail
    assert service.idle()


@pytest.mark.parametrize("vice", ["cut_always", "short_length"])
def test_what_arrived_is_answered(service, videos, vice):
    """Half a clip: what the index promises beyond it is answered by motion."""
    before = service.metric('touchline_frames_total{kind="key"}') or 0
    reply = service.challenge(videos.url(vice))
    assert reply.status == 200
    validator.check_answer(reply.json, 50, 320, 180)
    assert all(len(f["objects"]) >= 2 for f in reply.json["frames"])
    assert 2 <= service.metric('touchline_frames_total{kind="key"}') - before < 24
    assert "answering 50 frames, by motion those that did not arrive" in service.log


def test_a_server_that_stalls_does_not_hold_a_challenge(serve, private_options, videos):
    """Half the bytes, then silence: the time budget acts while nothing comes, and every frame is answered."""
    service = serve(*private_options, "--time-budget", "2")
    begin = time.monotonic()
    reply = service.challenge(videos.url("stall"))
    assert reply.status == 200, reply.body
    validator.check_answer(reply.json, 50, 320, 180)
    assert all(len(f["objects"]) >= 2 for f in reply.json["frames"])
    assert 1.5 < time.monotonic() - begin < 12
    assert wait_until(lambda: "budget_hit=1" in service.log)
    assert service.challenge(videos.url("good")).status == 200, "and the next one is served"


def many_frames(data, times):
    """The MP4 with its index last whose index names each frame so many times."""
    def table(name, body):
        count = int.from_bytes(body[8:12] if name == b"stsz" else body[4:8], "big")
        if name == b"stsz":
            return body[:8] + (count * times).to_bytes(4, "big") + body[12:] * times
        if name in (b"stco", b"stts", b"ctts"):
            return body[:4] + (count * times).to_bytes(4, "big") + body[8:] * times
        return body

    def box(name, body):
        if name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            body = b"".join(box(n, b[8:]) for n, b in boxes(body) if n != b"edts")  # an edit list cuts to its own length
        else:
            body = table(name, body)
        return (len(body) + 8).to_bytes(4, "big") + name + body
    return b"".join(box(n, b[8:]) if n == b"moov" else b for n, b in boxes(data))


def index_bomb(data, samples, tracks=1):
    """The MP4 with its index last whose index names so many frames of 16 bytes, in few bytes, for each track."""
    def words(*values):
        return b"".join(v.to_bytes(4, "big") for v in values)
    tables = {b"stsz": words(0, 16, samples), b"stts": words(0, 1, samples, 512), b"stsc": words(0, 1, 1, samples, 1),
              b"stco": words(0, 1, 48)}

    def box(name, body):
        if name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            inner = [box(n, b[8:]) for n, b in boxes(body) if n not in (b"edts", b"ctts", b"stss")]
            body = b"".join(b * (tracks if b[4:8] == b"trak" else 1) for b in inner)
        body = tables.get(name, body)
        return (len(body) + 8).to_bytes(4, "big") + name + body
    return b"".join(box(n, b[8:]) if n == b"moov" else b for n, b in boxes(data))


@pytest.mark.parametrize("samples,tracks", [(85_000_000, 1), (4_100_000, 20), (200_000_000, 64)])
def test_an_index_that_unpacks_to_gigabytes(serve, private_options, clips, samples, tracks):
    """40 kB that libav would make 2 GB of, a track."""
    long = index_at(clips["long"], -1)
    server = ViceServer(index_bomb(long, samples, tracks), long)
    service = serve(*private_options)

    def peak_mb():
        with open(f"/proc/{service.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024
    before = peak_mb()
    reply = service.challenge(server.url("good"))
    assert reply.status == 400, reply.body
    assert peak_mb() - before < 1000
    assert service.challenge(server.url("index_last")).status == 200
    server.close()


def test_more_frames_than_the_service_takes(serve, private_options, clips):
    """30000 frames are taken, more are refused by what the index says, before any work."""
    long = index_at(clips["long"], -1)
    server = ViceServer(many_frames(long, 30000 // 105), many_frames(long, 30000 // 105 + 1))
    service = serve(*private_options, "--time-budget", "1")
    reply = service.challenge(server.url("index_last"))
    assert reply.status == 400 and reply.detail == "the video has more than 30000 frames"
    assert not service.metric('touchline_frames_total{kind="key"}') and "Processed 100 frames" not in service.log
    reply = service.challenge(server.url("good"))
    assert reply.status == 200
    assert [f["frame_number"] for f in reply.json["frames"]] == list(range(30000 // 105 * 105))
    server.close()


def test_no_budget_when_told_so(serve, private_options, videos):
    """TIME_BUDGET_S=0 is no budget: the downloader's own limits end the wait, the log tells them."""
    service = serve(*private_options, env={"TIME_BUDGET_S": "0"})
    reply = service.challenge(videos.url("stall"))
    assert reply.status == 200, reply.body
    assert len(reply.json["frames"]) == 50
    assert wait_until(lambda: "budget_hit=0" in service.log) and "the server sent nothing for 4 s" in service.log


@pytest.mark.parametrize("vice", ["silent", "slow_head", "drip"])
def test_a_server_without_a_picture_gives_400(serve, private_options, videos, vice):
    """Nothing to answer from: the request's fault, told before 15 s are over."""
    service = serve(*private_options, "--time-budget", "2")
    begin = time.monotonic()
    reply = service.challenge(videos.url(vice))
    assert reply.status == 400, reply.body
    assert reply.detail == "no picture came within 3 s"
    assert time.monotonic() - begin < 12


def test_a_silent_server_is_given_up_before_15_s(serve, private_options, videos):
    """Three tries of 4 s; without the budget too."""
    service = serve(*private_options, "--time-budget", "100")
    url = videos.url("silent")
    begin = time.monotonic()
    reply = service.challenge(url)
    assert reply.status == 400 and reply.detail == "the server sent nothing for 4 s", reply.body
    assert len(videos.requests(url)) == 3
    assert 10 < time.monotonic() - begin < 25  # 13.25 s on an idle machine
