"""Stop, reload, crash: what happens to a running challenge and to what lies on the disk."""
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

import validator
from vice_server import wait_until


class Player(threading.Thread):
    """A challenge in a thread of its own."""

    def __init__(self, service, url, task="12345"):
        super().__init__(daemon=True)
        self.service, self.url, self.task, self.reply, self.error = service, url, task, None, None
        self.start()

    def run(self):
        try:
            self.reply = self.service.challenge(self.url, self.task)
        except OSError as e:
            self.error = e

    def result(self, seconds=60):
        self.join(seconds)
        assert not self.is_alive(), "no answer came"
        return self.reply


def begun(service, task):
    return wait_until(lambda: f"Processing challenge {task} " in service.log)


def descriptors(service):
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))


def temporary_files(environment):
    return os.listdir(environment["TMPDIR"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_finishes_the_running_challenge(serve, private_options, videos, number):
    service = serve(*private_options)
    player = Player(service, videos.url("slow_tail"), "last")
    assert begun(service, "last")
    waiting = Player(service, videos.url("good"), "waiting")
    assert wait_until(lambda: service.metric("touchline_queue_length") == 1)
    service.signal(number)
    assert wait_until(lambda: "Stopping" in service.log)
    for late in (player, waiting):
        reply = late.result()
        assert reply is not None and reply.status == 200, (late.error, service.log)
        validator.check_answer(reply.json, 50, 320, 180, late.task)
    assert service.process.wait(30) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_when_the_parent_ignored_the_signal(serve, private_options, number):
    """A shell starts `command &` with SIGINT ignored; pm2 stops with SIGINT."""
    service = serve(*private_options, prepare=lambda: signal.signal(number, signal.SIG_IGN))
    service.signal(number)
    assert service.process.wait(30) == 0
    assert "Stopping" in service.log


def test_nothing_new_while_stopping(serve, private_options, videos):
    service = serve(*private_options)
    player = Player(service, videos.url("slow_tail"), "last")
    assert begun(service, "last")
    service.signal(signal.SIGTERM)
    assert wait_until(lambda: "Stopping" in service.log)
    assert service.get("/availability").json == {"available": False}
    assert service.get("/readyz").status == 503
    late = service.challenge(videos.url("good"))
    assert late.status == 503 and late.detail == "The miner is stopping"
    assert player.result().status == 200
    assert service.process.wait(30) == 0


def test_a_reload_while_stopping_ends_nothing(serve, private_options, videos):
    service = serve(*private_options)
    player = Player(service, videos.url("slow_tail"), "last")
    assert begun(service, "last")
    service.signal(signal.SIGTERM)
    assert wait_until(lambda: "Stopping" in service.log)
    service.signal(signal.SIGHUP)
    reply = player.result()
    assert reply is not None and reply.status == 200, player.error
    assert service.process.wait(30) == 0


def test_second_signal_ends_at_once(serve, private_options, videos):
    service = serve(*private_options)
    player = Player(service, videos.url("stall"), "stuck")
    assert begun(service, "stuck")
    service.signal(signal.SIGTERM)
    assert wait_until(lambda: "Stopping" in service.log)
    time.sleep(0.2)
    service.signal(signal.SIGTERM)
    assert service.process.wait(20) in (-signal.SIGTERM, 20)
    player.join(10)
    service.stop = lambda: 0


def test_stop_while_idle_and_while_clients_hang_on(serve, private_options):
    service = serve(*private_options)
    silent = [validator.connect(service.port) for _ in range(20)]
    silent[0].sendall(b"POST /soccer/challenge HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    begin = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - begin < 15
    for sock in silent:
        sock.close()


def test_requests_all_the_time_while_stopping(serve, private_options, videos):
    """Availability and challenges keep coming from several threads: no crash, and a clean end."""
    for _ in range(3):
        service = serve(*private_options)
        over = threading.Event()

        def hammer(port=service.port):
            while not over.is_set():
                try:
                    validator.get(port, "/availability")
                    validator.challenge(port, validator.body_of(videos.url("good")))
                except OSError:
                    time.sleep(0.01)
        threads = [threading.Thread(target=hammer) for _ in range(6)]
        for t in threads:
            t.start()
        time.sleep(0.5)
        assert service.stop() == 0, service.log
        over.set()
        for t in threads:
            t.join()


def test_reload_takes_effect_and_drops_nothing(serve, networks, private_options, videos, tmp_path):
    config = tmp_path / "settings"
    config.write_text("FRAME_STRIDE=2\n")
    service = serve(*private_options, "--config", config)
    assert service.challenge(videos.url("good"), "a").status == 200
    assert wait_until(lambda: "(stride=2)" in service.log)
    player = Player(service, videos.url("slow_tail"), "b")
    assert begun(service, "b")
    config.write_text("FRAME_STRIDE=5\n")
    service.signal(signal.SIGHUP)
    assert player.result().status == 200
    assert wait_until(lambda: "Settings reloaded" in service.log)
    assert service.challenge(videos.url("good"), "c").status == 200
    assert wait_until(lambda: "(stride=5)" in service.log or "(stride=4)" in service.log), service.log
    config.write_text("FRAME_STRIDE=nonsense\n")
    service.signal(signal.SIGHUP)
    assert wait_until(lambda: "Settings were not reloaded: " in service.log)
    assert service.challenge(videos.url("good"), "d").status == 200
    networks[1].rename(tmp_path / "away.script")
    try:
        config.write_text("FRAME_STRIDE=2\n")
        service.signal(signal.SIGHUP)
        assert wait_until(lambda: service.log.count("Settings were not reloaded: ") == 2)
        assert service.challenge(videos.url("good"), "e").status == 200
    finally:
        (tmp_path / "away.script").rename(networks[1])


def test_a_reload_names_what_needs_a_restart(serve, private_options, tmp_path):
    config = tmp_path / "settings"
    config.write_text("TOUCHLINE_QUEUE=3\nMIN_STAKE_THRESHOLD=5\n")
    service = serve(*private_options, "--config", config)
    service.signal(signal.SIGHUP)
    assert wait_until(lambda: "Settings reloaded" in service.log)
    assert "taken only by a restart" not in service.log
    config.write_text("TOUCHLINE_QUEUE=6\nMIN_STAKE_THRESHOLD=7\nFRAME_STRIDE=3\n")
    service.signal(signal.SIGHUP)
    assert wait_until(lambda: service.log.count("Settings reloaded") == 2)
    assert "Changed, but taken only by a restart: MIN_STAKE_THRESHOLD, TOUCHLINE_QUEUE\n" in service.log


def test_every_frame_has_its_objects_without_tracking(serve, private_options, videos):
    service = serve(*private_options, "--disable-tracking")
    frames = service.challenge(videos.url("good")).json["frames"]
    assert all(frame["objects"] for frame in frames)
    assert {o["id"] for frame in frames for o in frame["objects"]} == {-1}


def test_a_part_of_the_frames_is_no_answer(binary, environment, private_options):
    for options, more in ((["--frames", "0:20"], {}), ([], {"TOUCHLINE_FRAMES": "0:20"})):
        done = subprocess.run([binary, "serve", *private_options, *options], env={**environment, **more}, capture_output=True, text=True)
        assert done.returncode == 2 and "--frames" in done.stderr


def test_many_reloads(serve, private_options, videos):
    service = serve(*private_options)
    assert service.challenge(videos.url("good")).status == 200
    before = descriptors(service)
    for i in range(10):
        service.signal(signal.SIGHUP)
        assert service.challenge(videos.url("good")).status == 200
    assert wait_until(lambda: "Settings reloaded" in service.log)
    assert wait_until(lambda: descriptors(service) <= before + 4), descriptors(service)


def test_a_crash_leaves_nothing(serve, private_options, videos, environment):
    before = temporary_files(environment)
    service = serve(*private_options)
    Player(service, videos.url("stall"), "doomed")
    assert begun(service, "doomed")
    assert wait_until(lambda: any("(deleted)" in os.readlink(f"/proc/{service.process.pid}/fd/{fd}")
                                  for fd in os.listdir(f"/proc/{service.process.pid}/fd")))
    assert temporary_files(environment) == before, "the clip has no name while it is there"
    service.signal(signal.SIGKILL)
    service.process.wait(20)
    assert temporary_files(environment) == before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_request_cannot_be_played_again_after_a_restart(serve, private_options, videos, how):
    body = validator.body_of(videos.url("good"))
    headers = validator.signed_headers(body)
    service = serve(*private_options)
    assert validator.challenge(service.port, body, headers).status == 200
    service.signal(how)
    service.process.wait(30)
    again = serve(*private_options)
    reply = validator.challenge(again.port, body, headers)
    assert reply.status == 401 and reply.detail == "Oi, that nonce is not valid!"
    assert again.challenge(videos.url("good")).status == 200


def test_the_port_is_in_use(serve, private_options):
    service = serve(*private_options)
    second = serve(*private_options, "--listen", f"127.0.0.1:{service.port}", wait=False)
    assert second.process.wait(60) != 0
    assert "is the port in use?" in second.log
    second.stop = lambda: 0
    assert service.get("/healthz").status == 200


def test_it_can_be_started_again_at_once(serve, private_options, videos):
    service = serve(*private_options)
    port = service.port
    assert service.challenge(videos.url("good")).status == 200
    assert service.stop() == 0
    again = serve(*private_options, "--listen", f"127.0.0.1:{port}")
    assert again.port == port and again.challenge(videos.url("good")).status == 200


def test_ipv6(serve, private_options, videos):
    if not socket.has_ipv6 or not pathlib.Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    service = serve(*private_options, "--listen", "[::1]:0")
    body = validator.body_of(videos.url("good"))
    with socket.create_connection(("::1", service.port), timeout=60) as sock:
        sock.sendall(validator.request_head(service.port, validator.signed_headers(body), len(body)) + body)
        assert validator.read_reply(sock).status == 200


def test_no_space_for_the_clip(serve, private_options, videos, tmp_path):
    """No folder for temporary files: a clear answer, and the service lives on."""
    service = serve(*private_options, env={"TMPDIR": str(tmp_path / "nowhere")})
    reply = service.challenge(videos.url("good"))
    assert reply.status == 500 and "no temporary file can be made in" in reply.detail
    assert service.get("/healthz").status == 200
