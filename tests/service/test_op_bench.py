"""`touchline bench`: the table, its files, and that what it writes can be used."""
import csv
import json
import re
import subprocess

import pytest

from scripts import empty_networks
from validator import BOB

EUSAGE, ENOENT, EFORMAT = 2, 3, 7


@pytest.fixture(scope="module")
def bench(binary, environment, clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    (folder / "clip.mp4").write_bytes(clips["first"])
    networks = empty_networks(folder)

    def run(*words, env=None):
        return subprocess.run([binary, "bench", *words, *networks], capture_output=True, text=True, cwd=folder,
                              env={**environment, **(env or {})}, timeout=300), folder, networks
    return run


def test_a_quick_sweep(bench, serve):
    result, folder, networks = bench("--video-path", "clip.mp4", "--quick", "--json", "r.json", "--csv", "r.csv",
                                     "--write-env", "fast.env")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["Rank", "FPS", "Time", "Batch", "Stride", "ImgSize", "Prefetch", "Memory"]
    rows = [re.fullmatch(r" +(\d+) +([\d.]+) +([\d.]+)s +(\w+) +(\d|auto) +(\w+) +64 +(\d+) MB", line) for line in lines[1:6]]
    assert all(rows) and [int(row[1]) for row in rows] == [1, 2, 3, 4, 5]
    assert sorted(row[5] for row in rows) == ["1", "2", "2", "4", "auto"]
    fps = [float(row[2]) for row in rows]
    assert fps == sorted(fps, reverse=True)
    for row in rows:  # source frames a second, whatever the stride
        assert 50 / float(row[2]) == pytest.approx(float(row[3]), abs=0.006)  # the table rounds to hundredths
    assert any(line.startswith("FAILED batch=4 stride=1 img_size=1024 prefetch=32: ") for line in lines)  # these networks have one size
    assert "RECOMMENDED CONFIGURATION" in lines
    assert re.search(r"Expected time for 750 frames: [\d.]+s \(tier: \w", result.stdout)

    made = json.loads((folder / "r.json").read_text())["results"]
    assert len(made) == 6 and [r["ok"] for r in made] == [True] * 5 + [False]
    assert all(r["frames"] == 50 for r in made if r["ok"])
    assert "error" not in made[0] and "img_size" not in made[5]["error"] and len(made[5]["error"]) > 10
    best = json.loads((folder / "r.json").read_text())["recommended"]
    assert all(best[name] == made[0][name] for name in best if name in made[0]) and {"frame_stride", "key_rate"} <= set(best)
    assert best["seconds_for_750_frames"] == pytest.approx(750 / made[0]["fps"], rel=0.01) and best["speed_up"] is None
    assert f"(tier: {best['tier']})" in result.stdout
    table = list(csv.DictReader((folder / "r.csv").open()))
    assert [float(r["fps"]) for r in table] == pytest.approx([r["fps"] for r in made], abs=0.01)
    assert [r["error"] for r in table] == [r.get("error", "") for r in made]  # those that failed, too
    assert set(table[0]) == set(made[5]) - {"ok"}
    service = serve(*networks, "--no-chain", "--hotkey",
                    BOB.ss58_address, "--config", folder / "fast.env")
    assert f"frame_stride={made[0]['frame_stride'] or 5}" in service.log


@pytest.mark.parametrize("rate, seen, stride", [(None, 11, 5), ("3", 7, 8)])
def test_what_serve_does_by_itself_is_tried(bench, binary, environment, serve, rate, seen, stride):
    """With slow networks and 60 frames a second it is the fastest, and serve does the same with the file."""
    _, folder, _ = bench("--help")
    env = {"TOUCHLINE_KEY_RATE": rate} if rate else {}
    networks = empty_networks(folder, delay_us=8000, suffix=".slow")
    subprocess.run([binary, "synth", "-y", "-o", "fast.mp4", "--fps", "60", "--seconds", "2", "--size", "96x64"], check=True,
                   cwd=folder, env=environment, capture_output=True)
    result = subprocess.run([binary, "bench", "--video-path", "fast.mp4", "--quick", *networks, "--json", "own.json",
                             "--write-env", "own.env"], capture_output=True, text=True, cwd=folder, timeout=300,
                            env={**environment, **env})
    assert result.returncode == 0, result.stderr
    made = json.loads((folder / "own.json").read_text())
    best, first = made["recommended"], made["results"][0]
    assert best["frame_stride"] == 0 and best["key_rate"] == float(rate or 5) and first["key_frames"] == seen
    assert "  FRAME_STRIDE=auto\n" in result.stdout
    settings = (folder / "own.env").read_text().splitlines()
    assert {"FRAME_STRIDE=auto", f"TOUCHLINE_KEY_RATE={rate or 5}", "BATCH_SIZE=auto", "IMG_SIZE=auto"} <= set(settings)
    service = serve(*networks, "--no-chain", "--hotkey", BOB.ss58_address, "--config", folder / "own.env")
    assert f"frame_stride={stride}" in service.log  # of 25 frames a second


def test_without_tracking_serve_looks_at_every_frame_and_so_does_its_row(bench):
    result, folder, _ = bench("--video-path", "clip.mp4", "--quick", "-q", "--json", "all.json", env={"DISABLE_TRACKING": "1"})
    assert result.returncode == 0, result.stderr
    assert 0 not in {row["frame_stride"] for row in json.loads((folder / "all.json").read_text())["results"]}


def test_settings_from_elsewhere_do_not_touch_the_sweep(bench):
    env = {"TIME_BUDGET_S": "0.001", "TOUCHLINE_FRAMES": "0:20", "FAST_MODE": "1", "FRAME_STRIDE": "7", "BATCH_SIZE": "8",
           "PREFETCH_FRAMES": "1"}
    result, folder, _ = bench("--video-path", "clip.mp4", "--quick", "-q", "--json", "set.json", env=env)
    assert result.returncode == 0, result.stderr
    rows = [row for row in json.loads((folder / "set.json").read_text())["results"] if row["ok"]]
    assert all(row["frames"] == 50 and row["prefetch_frames"] == 64 for row in rows)
    seen = {row["frame_stride"]: row["key_frames"] for row in rows}
    assert {stride: seen[stride] for stride in (1, 2, 4)} == {1: 50, 2: 26, 4: 14}  # every n-th and the last


@pytest.mark.parametrize("flag, name", [("--batch-size=8", "batch-size"), ("--imgsz=640", "img-size"),
                                        ("--stride=2", "frame-stride"), ("--prefetch=9", "prefetch-frames"),
                                        ("--fast", "fast-mode"), ("--frames=0:9", "frames"),
                                        ("--time-budget=1", "time-budget")])
def test_what_the_sweep_sets_is_no_option(bench, flag, name):
    result, _, _ = bench("--video-path", "clip.mp4", flag)
    assert result.returncode == EUSAGE
    assert f"'bench' sets --{name} itself; 'touchline bench --help' tells how" in result.stderr
    assert f"\n      --{name}" not in bench("--help")[0].stdout


def test_the_whole_sweep_tries_everything_alone(bench):
    result, folder, _ = bench("--video-path", "clip.mp4", "--repeats", "1", "-q", "--json", "all.json")
    assert result.returncode == 0, result.stderr
    rows = json.loads((folder / "all.json").read_text())["results"]
    names = ["batch_size", "frame_stride", "img_size", "prefetch_frames"]
    configs = {tuple(row[name] for name in names) for row in rows}
    assert len(configs) == len(rows)
    for name in range(len(names)):
        rest = [config[:name] + config[name + 1:] for config in configs]
        assert len(set(rest)) < len(rest), f"{names[name]} never changes alone"


def test_an_address(bench, videos):
    """Fetched once, whatever runs: the way to the clip is no part of what is compared."""
    url = videos.url("good")
    result, _, _ = bench("--video-url", url, "--quick", "-q")
    assert result.returncode == 0 and "RECOMMENDED CONFIGURATION" in result.stdout, result.stderr
    assert len(videos.requests(url)) == 1
    result, _, _ = bench("--video-url", videos.url("404"), "--quick", "-q")
    assert result.returncode == ENOENT and "the server answered 404" in result.stderr


@pytest.mark.parametrize("words, code", [([], EUSAGE), (["--video-path", "a", "--video-url", "b"], EUSAGE),
                                         (["--video-path", "none.mp4"], ENOENT), (["--video-path", "player"], EFORMAT),
                                         (["--video-path", "clip.mp4", "--repeats", "0"], EUSAGE)])
def test_wrong_use(bench, words, code):
    result, _, _ = bench(*words)
    assert result.returncode == code, result.stderr
