"""`touchline bench`: the table, its files, and that what it writes can be used."""
import csv
import json
import re
import subprocess

import pytest

from validator import BOB

EUSAGE, ENOENT, EFORMAT = 2, 3, 7


@pytest.fixture(scope="module")
def bench(binary, environment, clips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    (folder / "clip.mp4").write_bytes(clips["first"])
    for name, head in (("player", "centers"), ("pitch", "points")):
        (folder / name).write_text(f"touchline-script 1\nhead {head}\nsize 640 384\nloop\nframe\n")
    networks = ["--player-model", "player", "--pitch-model", "pitch"]

    def run(*words, env=None):
        return subprocess.run([binary, "bench", *words, *networks], capture_output=True, text=True, cwd=folder,
                              env={**environment, **(env or {})}, timeout=300), folder, networks
    return run


def test_a_quick_sweep(bench, serve):
    result, folder, networks = bench("--video-path", "clip.mp4", "--quick", "--json", "r.json", "--csv", "r.csv",
                                     "--write-env", "fast.env")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["Rank", "FPS", "Time", "Batch", "Stride", "ImgSize", "Memory"]
    rows = [re.fullmatch(r" +(\d+) +([\d.]+) +([\d.]+)s +(\w+) +(\d) +(\w+) +(\d+) MB", line) for line in lines[1:5]]
    assert all(rows) and [int(row[1]) for row in rows] == [1, 2, 3, 4]
    fps = [float(row[2]) for row in rows]
    assert fps == sorted(fps, reverse=True)
    for row in rows:  # source frames a second, whatever the stride
        assert float(row[2]) == pytest.approx(50 / float(row[3]), rel=0.3, abs=20)
    assert any(line.startswith("FAILED batch=4 stride=1 img_size=1024") for line in lines)  # these networks have one size
    assert "RECOMMENDED CONFIGURATION" in lines
    assert re.search(r"Expected time for 750 frames: [\d.]+s \(tier: \w", result.stdout)

    made = json.loads((folder / "r.json").read_text())["results"]
    assert len(made) == 5 and [r["ok"] for r in made] == [True] * 4 + [False]
    assert all(r["frames"] == 50 for r in made if r["ok"])
    assert "error" not in made[0] and "img_size" not in made[4]["error"] and len(made[4]["error"]) > 10
    best = json.loads((folder / "r.json").read_text())["recommended"]
    assert all(best[name] == made[0][name] for name in ("batch_size", "frame_stride", "img_size", "prefetch_frames", "fps"))
    assert best["seconds_for_750_frames"] == pytest.approx(750 / made[0]["fps"], rel=0.01) and best["speed_up"] is None
    assert f"(tier: {best['tier']})" in result.stdout
    table = list(csv.DictReader((folder / "r.csv").open()))
    assert [float(r["fps"]) for r in table] == pytest.approx([r["fps"] for r in made if r["ok"]], abs=0.01)
    service = serve(*(folder / w if w in ("player", "pitch") else w for w in networks), "--no-chain", "--hotkey",
                    BOB.ss58_address, "--config", folder / "fast.env")
    assert f"frame_stride={made[0]['frame_stride']}" in service.log


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
