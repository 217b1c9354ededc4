#!/usr/bin/env python3
"""Makes the seeds of tests/fuzz/corpus anew: a few small inputs a target, 20 kB in all.

    make_seeds.py [JSONL]            all but the clips; JSONL is a file of `touchline process`
    make_seeds.py --videos FOLDER    the clips, which the build makes with the ffmpeg command and nobody keeps
Inputs that once broke something lie beside the seeds as found_*; they are not made here.
"""
import gzip
import pathlib
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent / "corpus"
ALICE, BOB = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
ALICE_KEY = bytes.fromhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d")
BOB_KEY = bytes.fromhex("8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48")
BODY = (b'{"challenge_id": "12345", "type": "gsr", "video_url": "https://scoredata.me/2025_03_14/35ae7a/h1_0f2ca0.mp4", '
        b'"created_at": "2025-08-14T15:58:11.123456+00:00"}')
NONCE = "1755187091123456789_aB3dE6gH9k"
SIGNATURE = ("20db75a4c8535c4638eae2ba6e5f22b39479a9cfeef4061fe7b0a866c004e16c"
             "a641cb073feed7ffee3a5a51d1faf7bc3adc2eea64d42f96783d55f08b16ed8d")
MESSAGE = f"{NONCE}:{BOB}:a8eefe609ce80f23ee7fa7e43a0dae6a9717cac0b946a523ab1214cf49bd70ee".encode()
METAGRAPH = (b"\x01\xb0" + bytes(51) + b"\x01\x08" + ALICE_KEY + BOB_KEY + bytes(15) +
             bytes.fromhex("010807007572f2e807007841cb02") + bytes(5))
REPLY = b'{"jsonrpc":"2.0","id":1,"result":"0x' + METAGRAPH.hex().encode() + b'"}'


def put(target, name, data):
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


def requests():
    head = f"{ALICE}\n{BOB}\n{NONCE}\n0x{SIGNATURE}\n".encode()
    put("request", "reference", head + BODY)
    for i, body in enumerate([b"{}", b'{"video_url":""}', b'{"video_url":"ftp://a","challenge_id":7}', b"[[[[",
                              b'{"video_url":"http://a/\\u00fc\\ud83d\\ude00","challenge_id":null}',
                              b'{"video_url":"http://u:p@a/"}', b'"\\u0000"']):
        put("request", f"body{i}", head + body)
    put("nonce", "lines", f"{NONCE}\n{NONCE}\n1755187091123456789\n0_x\n99999999999999999999_a\n-1_a\n_\n"
        "1755187211123456789_ahead\n1755186971123456789_old\n")
    put("signature", "subnet", ALICE_KEY + bytes.fromhex(SIGNATURE) + MESSAGE)
    put("signature", "address", ALICE)
    put("signature", "zero", bytes(100))


def wallets():
    hexes = ALICE_KEY.hex()
    put("wallet", "plain", '{"accountId": "0x%s", "publicKey": "0x%s", "privateKey": "0x%s", "secretPhrase": "bottom drive '
        'obey lake curtain smoke basket hold race lonely fit walk", "secretSeed": "0x%s", "ss58Address": "%s"}' %
        (hexes, hexes, "33" * 64, "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a", ALICE))
    put("wallet", "public", '{"ss58Address":"%s"}' % BOB)
    put("wallet", "nacl", b"$NACL" + bytes(range(80)))
    put("wallet", "ansible", "$ANSIBLE_VAULT;1.1;AES256\n" + "36" * 40 + "\n" + "61" * 20 + "\n")
    put("wallet", "fernet", "gAAAAABk" + "A" * 92)


def chain():
    put("chain", "metagraph", METAGRAPH)
    put("chain", "reply", REPLY)
    put("chain", "error", '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}')
    put("chain", "none", b"\x00")
    put("chain", "saved", '{"netuid":44,"time":5,"nodes":{"%s":{"tao_stake":1000.5}}}' % ALICE)

    def frame(opcode, data, fin=0x80):
        n = len(data)
        return bytes([opcode | fin]) + (bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n)) + data
    put("rpc", "websocket", b"w" + frame(1, REPLY))
    put("rpc", "fragments", b"w" + frame(1, REPLY[:100], 0) + frame(9, b"ping") + frame(0, REPLY[100:]))
    put("rpc", "close", b"w" + frame(8, b"\x03\xe8"))
    put("rpc", "long", b"w\x81\x7f" + struct.pack(">Q", 1 << 40) + b"x")
    put("rpc", "no_upgrade", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
    put("rpc", "http", b"hHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(REPLY), REPLY))
    put("page", "confirm", '<!DOCTYPE html><form id="download-form" action="https://drive.usercontent.google.com/download" '
        'method="get"><input type="hidden" name="id" value="a-b"><input type="hidden" name="confirm" value="t"></form>')
    put("page", "drive", "https://drive.google.com/file/d/1a-B_c2/view?usp=sharing")
    put("page", "query", "https://drive.google.com/uc?export=download&id=1a-B_c2")
    put("page", "coding", "gzip;q=0.5, deflate, zstd;q=0")


def answers():
    frame = '{"frame_number":%d,"keypoints":[' + ",".join(["[0,0]"] * 32) + '],"objects":[%s]}'
    box = '{"id":%d,"bbox":[10.5,20,30.25,60],"class_id":2}'
    text = '{"challenge_id":"1","frames":[%s],"processing_time":0.5}' % ",".join(
        frame % (i, ",".join(box % k for k in (1, 2))) for i in range(2))
    put("answer", "good", text)
    put("answer", "faults", '{"frames":[{"frame_number":3,"objects":[{"bbox":[1,2]},{"id":"x","class_id":9}]},{},7,'
        '{"frame_number":3},{"frame_number":-1e300}]}')
    put("answer", "dict", '{"frames":{"0":{}}}')
    put("answer", "gzip", b"\x01" + gzip.compress(text.encode(), mtime=0))
    put("answer", "zstd_raw", b"\x02\x28\xb5\x2f\xfd\x20\x0d\x69\x00\x00" + b'{"frames":[]}')


def jsonl(touchline):
    """A head line and two records, as the program writes them."""
    folder = ROOT.parent
    clip, out = folder / "seed.mp4", folder / "seed.jsonl"
    subprocess.run([touchline, "synth", "-o", clip, "--truth", out, "--seconds", "0.04", "--size", "160x96", "--players", "2",
                    "-y", "-q"], check=True)
    put("jsonl", "truth", b"".join(out.read_bytes().splitlines(keepends=True)[:2]))
    clip.unlink()
    out.unlink()
    put("jsonl", "empty_object", "{}\n{}\n")


def models():
    def field(number, data):
        return bytes([number << 3 | 2]) + (bytes([len(data)]) if len(data) < 128 else
                                           bytes([len(data) & 127 | 128, len(data) >> 7])) + data

    def number(n, value):
        return bytes([n << 3, value])

    def value(name, kind, dims):
        shape = b"".join(field(1, number(1, d) if isinstance(d, int) else field(2, d.encode())) for d in dims)
        return field(1, name) + field(2, field(1, number(1, kind) + field(2, shape)))
    graph = (field(2, b"graph") + field(11, value(b"images", 1, ["N", 3, 64, 96])) +
             field(12, value(b"output0", 1, ["N", 8, 126])))
    meta = b"".join(field(14, field(1, k) + field(2, v)) for k, v in
                    [(b"names", b"{0: 'ball', 1: 'player'}"), (b"task", b"detect"), (b"imgsz", b"[64, 96]")])
    put("model_meta", "onnx", number(1, 8) + field(2, b"pytorch") + field(7, graph) + field(8, field(1, b"") + number(2, 13)) + meta)
    put("model_meta", "script", "touchline-script 1\nhead centers\nsize 64 64\nloop\nframe\nbox player 1 2 3 4 0.5\n")


def videos(folder):
    def encode(name, *options):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=32x32:rate=25:duration=0.24", "-pix_fmt",
                        "yuv420p", "-fflags", "+bitexact", "-flags:v", "+bitexact", *options, path], check=True)
    x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "bframes=1:b-pyramid=none", "-crf", "40"]
    encode("first.mp4", *x264, "-movflags", "+faststart")
    encode("last.mp4", *x264)
    encode("fragments.mp4", *x264, "-movflags", "frag_keyframe+empty_moov")
    encode("small.mkv", *x264)
    encode("mpeg4.avi", "-c:v", "mpeg4", "-q:v", "31")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--videos"]:
        sys.exit(videos(pathlib.Path(sys.argv[2])))
    requests()
    wallets()
    chain()
    answers()
    models()
    if len(sys.argv) > 1:
        jsonl(sys.argv[1])
    total = sum(p.stat().st_size for p in ROOT.rglob("*") if p.is_file())
    print(f"{total} bytes")
