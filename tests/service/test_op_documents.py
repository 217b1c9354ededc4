"""Documents, presets and what is deployed: commands take the flags that are shown, links lead somewhere, files parse,
and every metric that a dashboard or an alert asks for is on the page."""
import json
import pathlib
import re
import shlex
import shutil
import socket
import subprocess

import pytest

from chain_node import ChainNode
from scripts import empty_networks
from validator import ALICE, BOB
from vice_server import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = ["miner-quick-start", "performance-guide", "troubleshooting", "monitoring", "verification",
             "upgrade-from-python", "scoring", "registration"]
METRIC = re.compile(r"\b(?:touchline|process)_[a-z_]+\b")


@pytest.fixture(scope="module")
def run(binary, environment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")

    def call(*words, env=None):
        return subprocess.run([binary, *map(str, words)], capture_output=True, text=True, cwd=folder,
                              env={**environment, **(env or {})}, timeout=60)
    return call


@pytest.fixture(scope="module")
def flags(run):
    known = {}

    def of(command):
        if command not in known:
            result = run(command, "--help")
            assert result.returncode == 0, f"no command {command}"
            known[command] = set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9._-]*", result.stdout, re.I))
        return known[command]
    return of


def fenced_commands(text):
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.M | re.S):
        for line in block.splitlines():
            for part in re.split(r"&&|\|\|?|;", line.partition(" #")[0]):
                words = shlex.split(part)
                words = words[1:] if words[:1] == ["sudo"] else words
                if words[:1] in (["touchline"], ["build/touchline"]):
                    yield words[1:]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_of_a_document(flags, name):
    text = (ROOT / "docs" / f"{name}.md").read_text()
    commands = list(fenced_commands(text))
    assert commands, "a document without a command"
    for words in commands:
        for flag in (w.partition("=")[0] for w in words[1:] if w.startswith("-")):
            assert flag in flags(words[0]), f"{name}: touchline {' '.join(words)}: no {flag}"
    for command, *rest in re.findall(r"`touchline ([a-z]+)([^`]*)`", text):
        for flag in re.findall(r"(?<!\S)--[a-z][a-z.-]*", rest[0]):
            assert flag in flags(command), f"{name}: touchline {command} has no {flag}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_and_names_of_a_document(run, name):
    text = (ROOT / "docs" / f"{name}.md").read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (ROOT / "docs" / target).exists(), f"{name}: {target}"
    template = run("help", "--env").stdout
    foreign = {"REFRESH_NODES", "LOAD_OLD_NODES", "STREAMING_DOWNLOAD", "PARTIAL_DOWNLOAD_MB", "LOG_LEVEL",
               "BT_WALLET_PASSWORD", "TOUCHLINE_CONFIG", "ANSIBLE_VAULT", "SSL_CERT_FILE"}
    for setting in set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text)) - foreign:
        assert re.search(rf"^#{setting}=", template, re.M), f"{name}: no setting {setting}"


def test_python_names_of_the_upgrade_are_all_taken(run):
    text = (ROOT / "docs" / "upgrade-from-python.md").read_text()
    taken = re.search(r"Taken as they are: (.*?)\(for", text, re.S)[1]
    for name in re.findall(r"`([A-Z_]+)`", taken):
        assert re.search(rf"^#{name}=", run("help", "--env").stdout, re.M), name


def test_figures_of_the_guide_are_those_that_were_measured():
    guide = (ROOT / "docs/performance-guide.md").read_text().split("## What hardware gives what")[1].split("\n## ")[0]
    measured = (ROOT / "docs/performance.md").read_text()
    figures = re.findall(r"\| ([0-9.]+) \|$", guide, re.M)
    assert len(figures) >= 5
    assert [figure for figure in figures if not re.search(rf"(?<![0-9.]){re.escape(figure)}(?![0-9])", measured)] == []


def test_documents_tell_what_a_gpu_setting_does(run):
    """Once a build takes it, these sentences are to go."""
    assert run("serve", "--no-chain", "--hotkey", BOB.ss58_address, "--device", "cuda").returncode == 2
    for name in ("miner-quick-start", "performance-guide", "troubleshooting", "upgrade-from-python"):
        assert "there is no GPU backend yet" in (ROOT / "docs" / f"{name}.md").read_text().replace("There", "there"), name


def scripted(folder, width, height):
    """Networks of one size."""
    return [*empty_networks(folder, f"{width} {height}", suffix=f".{width}"), "--no-chain", "--hotkey", BOB.ss58_address]


def test_presets(run, serve, tmp_path):
    template = run("help", "--env").stdout
    blocks = dict(re.findall(r"^# preset (\S+): .*\n((?:#.*\n)+)", template, re.M))
    assert {"4090", "3080", "5070ti", "max-speed", "balanced", "accurate", "cpu"} == set(blocks)
    assert blocks["4090"] == "#BATCH_SIZE=64\n#IMG_SIZE=640\n#FRAME_STRIDE=2\n"
    assert blocks["max-speed"] == "#BATCH_SIZE=64\n#IMG_SIZE=512\n#FRAME_STRIDE=3\n"
    assert blocks["accurate"] == "#BATCH_SIZE=32\n#IMG_SIZE=800\n#FRAME_STRIDE=1\n"
    service = serve(*scripted(tmp_path, 640, 384), "--preset", "3080", "--stride", "5")
    assert "batch_size=16" in service.log and "frame_stride=5" in service.log  # what is set by hand stays
    service.stop()
    service = serve(*scripted(tmp_path, 512, 288), env={"TOUCHLINE_PRESET": "max-speed"})
    assert "batch_size=64" in service.log and "frame_stride=3" in service.log
    assert run("serve", "--preset", "4091").returncode == 2


def test_no_setting_comes_twice_in_the_template(run):
    names = re.findall(r"^#([A-Z][A-Z_]+)=", run("help", "--env").stdout.split("# --- Networks")[1], re.M)
    assert len(names) == len(set(names))


# --- deploy/

@pytest.fixture
def page(serve, networks):
    """/metrics of a service that has read its stake table and refused somebody."""
    node = ChainNode({bytes(ALICE.public_key): 2000})
    service = serve(*networks, "--hotkey", BOB.ss58_address, "--subtensor.address", node.ws)
    assert wait_until(lambda: service.metric("touchline_metagraph_hotkeys") == 1)
    assert service.challenge("http://127.0.0.1:1/x.mp4", headers={}).status == 422
    text = service.get("/metrics").body.decode()
    node.close()
    return text


def names_on(page):
    return set(re.findall(r"^([a-z_]+)(?:\{| )", page, re.M))


def metrics_in(expression):
    return set(METRIC.findall(expression))


def test_dashboard(page):
    board = json.loads((ROOT / "deploy/grafana/touchline.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(expressions) >= 12
    used = set().union(*map(metrics_in, expressions))
    assert used <= names_on(page), used - names_on(page)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    places = [tuple(panel["gridPos"][k] for k in "xywh") for panel in board["panels"]]
    cells = [(x + i, y + j) for x, y, w, h in places for i in range(w) for j in range(h)]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24  # panels do not overlap


def test_dashboard_looks_at_hours():
    """A challenge an hour: a range of minutes ($__rate_interval) holds nothing most of the time."""
    board = json.loads((ROOT / "deploy/grafana/touchline.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    ranges = set(re.findall(r"\[([^]]*)\]", " ".join(expressions)))
    assert ranges and ranges <= {"1h", "6h", "24h"}, ranges


def alert_rules():
    yaml = pytest.importorskip("yaml")
    groups = yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_alerts_and_compose(page):
    yaml = pytest.importorskip("yaml")
    rules = alert_rules()
    assert {"alert", "expr", "labels", "annotations"} <= set.intersection(*(set(rule) for rule in rules))
    used = set().union(*(metrics_in(rule["expr"]) for rule in rules))
    assert used <= names_on(page), used - names_on(page)
    assert yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())["rule_files"] == ["alerts.yml"]
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["miner"]
    assert (ROOT / "deploy" / compose["build"]["context"] / compose["build"]["dockerfile"]).exists()
    assert compose["read_only"] and compose["cap_drop"] == ["ALL"]


def test_alerts_judge_no_single_outcome():
    """Outcomes and reasons are series of their own, and most of them stand still in a miner that is well."""
    for rule in alert_rules():
        for before in re.findall(r"(.{0,24})\b(?:rate|increase)\(", rule["expr"]):
            assert re.search(r"sum(?: by \([a-z, ]+\))? ?\($", before), rule["expr"]


@pytest.fixture
def pages(page, serve, networks):
    """/metrics of services that read the stake table, that ask no chain, and that cannot read it and refused somebody."""
    who = [*networks, "--hotkey", BOB.ss58_address]
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"ws://127.0.0.1:{closed.getsockname()[1]}"
    unread = serve(*who, "--subtensor.address", nowhere, "--stake-file", "none.json")
    assert unread.challenge("http://127.0.0.1:1/x.mp4").status == 403
    open_to_all = serve(*who, "--no-chain")
    assert open_to_all.challenge("http://127.0.0.1:1/x.mp4").status == 400
    return {"good": page, **{name: service.get("/metrics").body.decode()
                             for name, service in (("unread", unread), ("open", open_to_all))}}


def test_alert_of_the_stake_table_is_for_services_that_read_one(pages):
    rule = next(rule for rule in alert_rules() if rule["alert"] == "TouchlineNoHotkeys")
    refused = re.search(r'touchline_rejected_total\{[^}]*\}', rule["expr"])[0]
    assert "touchline_metagraph_hotkeys 0\n" in pages["open"] and "touchline_metagraph_hotkeys 0\n" in pages["unread"]
    assert f"{refused} 1\n" in pages["unread"] and refused not in pages["open"]


def test_alerts_fire_when_they_should(pages, tmp_path):
    """Prometheus' own promtool plays the pages of services to the rules: for three hours, one with a challenge an hour."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")

    def series(instance, text, asked=False):
        for name, labels, value in re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", text, re.M):
            values = f"{value}x180"
            if asked and (name, labels) == ("touchline_challenges_total", 'result="ok"'):
                values = " ".join(str(minute // 60) for minute in range(181))
            every = ", ".join(filter(None, [labels, f'job="touchline", instance="{instance}"']))
            yield {"series": f"{name}{{{every}}}", "values": values}
    played = [*series("asked", pages["good"], asked=True), *series("idle", pages["good"])]
    for name in ("unread", "open"):
        played += series(name, pages[name])
    rules = {rule["alert"]: rule for rule in alert_rules()}

    def expected(minute, name, *instances):
        rule = rules[name]
        alerts = [{"exp_labels": {"instance": instance, **rule["labels"],
                                  **({"job": "touchline"} if name == "TouchlineNoHotkeys" else {})},
                   "exp_annotations": rule["annotations"]} for instance in instances]
        return {"eval_time": f"{minute}m", "alertname": name, "exp_alerts": alerts}
    checks = [expected(115, "TouchlineNoChallenge"), expected(150, "TouchlineNoChallenge", "idle", "unread", "open"),
              expected(30, "TouchlineNoHotkeys", "unread"), expected(180, "TouchlineNoHotkeys", "unread")]
    checks += [expected(180, name) for name in rules if name not in ("TouchlineNoChallenge", "TouchlineNoHotkeys")]
    file = tmp_path / "rules_test.json"
    file.write_text(json.dumps({"rule_files": [str(ROOT / "deploy/alerts.yml")], "evaluation_interval": "1m",
                                "tests": [{"interval": "1m", "input_series": played, "alert_rule_test": checks}]}))
    for words in (["check", "rules", ROOT / "deploy/alerts.yml"], ["test", "rules", file]):
        result = subprocess.run(["promtool", *words], capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr


def test_monitoring_document_names_every_metric(page):
    text = (ROOT / "docs/monitoring.md").read_text()
    base = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names_on(page)}
    assert base == set(METRIC.findall(text)) - {"process"}, base ^ set(METRIC.findall(text))


def test_settings_of_compose_and_unit_exist(run):
    template = run("help", "--env").stdout
    text = (ROOT / "deploy/compose.yaml").read_text()
    for name in re.findall(r"^      ([A-Z_]+):", text, re.M):
        assert re.search(rf"^#{name}=", template, re.M), name


def test_unit():
    text = (ROOT / "deploy/touchline.service").read_text()
    for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "ExecReload=/bin/kill -HUP $MAINPID"):
        assert f"\n{line}\n" in text
    if shutil.which("systemd-analyze"):
        result = subprocess.run(["systemd-analyze", "verify", ROOT / "deploy/touchline.service"], capture_output=True,
                                text=True)
        complaints = [line for line in result.stderr.splitlines()
                      if line.startswith("touchline.service") or "/touchline.service" in line]
        assert all("not executable" in line or "man touchline" in line for line in complaints), result.stderr
        result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager",
                                 ROOT / "deploy/touchline.service"], capture_output=True, text=True)
        assert result.returncode == 0 or "offline" in result.stderr, result.stdout


def test_unit_starts_again_only_what_may_work_then(run, networks, tmp_path):
    codes = re.search(r"^RestartPreventExitStatus=(.*)$", (ROOT / "deploy/touchline.service").read_text(), re.M)[1]
    final = set(map(int, codes.split()))
    serve = ["serve", *networks, "--no-chain", "--listen", "127.0.0.1:0", "--hotkey", BOB.ss58_address]
    (tmp_path / "wrong.env").write_text("MAX_DETECTIONS=banana\n")
    (tmp_path / "no.onnx").write_text("no network")
    hopeless = [[*serve, "--nonsense"], [*serve, "--config", tmp_path / "none.env"], [*serve, "--config", tmp_path / "wrong.env"],
                [*serve, "--player-model", tmp_path / "no.onnx"], serve[:-2],
                [*serve[:1], *serve[5:], "--device", "cuda"]]
    assert {run(*words).returncode for words in hopeless} == final
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run(*serve, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert result.returncode not in final | {0} and "in use" in result.stderr
    told = re.search(r"status ([0-9, or]+) and not started again", (ROOT / "docs/troubleshooting.md").read_text())[1]
    assert set(map(int, re.findall(r"[0-9]+", told))) == final
    pm2 = re.search(r"stop_exit_codes: \[(.*)\]", (ROOT / "deploy/ecosystem.config.js").read_text())[1]
    assert set(map(int, pm2.split(","))) == final


def test_all_wait_alike_for_challenges_that_run():
    seconds = re.search(r"^TimeoutStopSec=(\d+)$", (ROOT / "deploy/touchline.service").read_text(), re.M)[1]
    assert f"stop_grace_period: {seconds}s\n" in (ROOT / "deploy/compose.yaml").read_text()
    assert f"kill_timeout: {seconds}000,\n" in (ROOT / "deploy/ecosystem.config.js").read_text()


def test_container_is_asked_for_its_health_however_it_was_built():
    yaml = pytest.importorskip("yaml")
    text = (ROOT / "deploy/Containerfile").read_text()
    check = json.loads(re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", text, re.M)[1])
    told = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())["services"]["miner"]["healthcheck"]
    assert told["test"] == ["CMD", *check]
    assert all("--format docker" in line for line in re.findall(r"^#.*podman build.*$", text, re.M))


def test_health_check_of_the_container(serve, private_options):
    check = json.loads(re.search(r"CMD (\[.*HTTP.*\])", (ROOT / "deploy/Containerfile").read_text())[1])
    service = serve(*private_options)
    asked = [word.replace("/7999", f"/{service.port}") for word in check]
    assert asked != check and subprocess.run(asked, timeout=20).returncode == 0
    service.stop()
    assert subprocess.run(asked, capture_output=True, timeout=20).returncode != 0


def test_nothing_built_goes_into_the_container():
    left_out = (ROOT / ".dockerignore").read_text().splitlines()
    made_here = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.startswith("/")]
    assert {".git", ".env", *made_here} <= set(left_out)


def test_pm2_file():
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    script = "console.log(JSON.stringify(require(process.argv[1])))"
    made = json.loads(subprocess.run(["node", "-e", script, ROOT / "deploy/ecosystem.config.js"], capture_output=True,
                                     text=True, check=True).stdout)["apps"][0]
    assert made["interpreter"] == "none" and made["kill_timeout"] >= 20000 and made["args"].startswith("serve")


def test_container_file_installs_what_the_program_needs(binary):
    """Every shared library of Debian that the program is linked with directly has its package in the run stage."""
    stage = (ROOT / "deploy/Containerfile").read_text().split("12-slim")[1]
    if not shutil.which("readelf"):
        pytest.skip("readelf is not installed")
    needed = re.findall(r"NEEDED.*\[(.+?)\]", subprocess.run(["readelf", "-d", binary], capture_output=True,
                                                             text=True).stdout)
    package = {"libavformat": "libavformat59", "libavcodec": "libavcodec59", "libavutil": "libavutil57",
               "libswscale": "libswscale6", "libcurl": "libcurl4", "libmicrohttpd": "libmicrohttpd12",
               "libjansson": "libjansson4", "libsodium": "libsodium23", "libcairo": "libcairo2", "libzstd": "libzstd1",
               "libz": "zlib1g", "libcrypto": "libssl3"}
    ours = {"libc", "libm", "libopenvino_c", "ld-linux-x86-64", "libpthread", "libdl", "libgcc_s", "libasan", "libubsan",
            "libtsan"}
    for library in needed:
        name = library.partition(".so")[0]
        assert name in ours or package[name] in stage, library
