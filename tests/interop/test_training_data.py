"""What the training asks of the networks: labels, doubt, drawn balls, shoes. Nothing is trained, so PyTorch is not needed."""
import pathlib
import sys

import pytest

cv2 = pytest.importorskip("cv2")
np = pytest.importorskip("numpy")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models" / "training"))
import data as D  # noqa: E402
import pseudo  # noqa: E402

GRASS = (60, 140, 70)  # BGR


def camera():
    """Pitch metres -> picture: the far side is below, the horizon at row 625 below it."""
    return np.array([[16.0, 8, 120], [0, 5, 260], [0, 0.008, 1]])


def seen_points():
    p = np.c_[D.pitch_points(), np.ones(32)] @ camera().T
    p = p[:, :2] / p[:, 2:]
    inside = (p[:, 0] > 0) & (p[:, 0] < D.SRC_W) & (p[:, 1] > 0) & (p[:, 1] < D.SRC_H)
    return np.c_[p, inside]


def foot(x, y):
    p = camera() @ [x, y, 1]
    return p[:2] / p[2]


def test_metres_outside():
    points = seen_points()
    assert points[:, 2].sum() >= 6
    places = [(50, 30), (50, -2), (50, 72), (-5, 30)]
    feet = np.array([foot(*p) for p in places])
    assert pseudo.metres_outside(points, feet) == pytest.approx([0, 2, 4, 5], abs=1e-3)
    horizon = camera()[1, 1] / camera()[2, 1]  # rows beyond it are no ground
    sky = [900, horizon + 40]
    for feet_ in (np.vstack([feet, [sky]]), np.vstack([[sky], feet])):  # whoever comes first
        out = pseudo.metres_outside(points, feet_)
        assert np.isinf(out).sum() == 1 and sorted(out)[:4] == pytest.approx([0, 2, 4, 5], abs=1e-3)
    few = np.where(np.arange(32)[:, None] < 3, points, points * [1, 1, 0])
    assert pseudo.metres_outside(few, feet).tolist() == [0] * 4


def person(name, place, score):
    x, y = foot(*place)
    class_id = ["ball", "goalkeeper", "player", "referee"].index(name)
    return {"class": name, "class_id": class_id, "score": score, "bbox": [x - 10, y - 60, x + 10, y]}


def test_what_becomes_a_label():
    objects = [person("player", (50, 30), 0.8), person("player", (40, 30), 0.3), person("player", (50, -2), 0.9),
               person("referee", (45, -2), 0.9), person("player", (50, -4), 0.9), person("referee", (45, -4), 0.9),
               person("ball", (30, 20), 0.9), person("ball", (32, 20), 0.8), person("ball", (34, 20), 0.3)]
    rows = pseudo.rows_of(objects, seen_points(), D.SRC_W, D.SRC_H)
    assert [r[0] for r in rows] == [2, D.UNSURE, D.UNSURE, 3, 0, D.UNSURE, D.UNSURE]
    half = pseudo.rows_of([{**o, "bbox": [v / 2 for v in o["bbox"]]} for o in objects], seen_points(), D.SRC_W // 2, D.SRC_H // 2)
    assert np.array(half) == pytest.approx(np.array(rows))
    assert pseudo.rows_of([], seen_points(), D.SRC_W, D.SRC_H) == []


@pytest.fixture
def roots(tmp_path):
    """A root of one labelled picture and one of a picture that a network labelled, with a doubtful box."""
    picture = np.full((D.SRC_H, D.SRC_W, 3), GRASS, np.uint8)
    rows = []
    for i in range(8):
        x, y, h = 300 + 180 * i, 350 + 70 * i, 60 + 8 * i
        cv2.rectangle(picture, (x - h // 5, y - h), (x + h // 5, y), (40, 40, 200) if i % 2 else (230, 230, 230), -1)
        rows.append((2 if i else 1, x, y - h / 2, 2 * (h // 5), h))
    cv2.circle(picture, (960, 500), 6, (255, 255, 255), -1)
    rows.append((0, 960, 500, 14, 14))
    for name, stem, more in (("own", "aaaaaa_1", []), ("more", "bbbbbb_1", [(D.UNSURE, 1500, 300, 40, 90)])):
        for sub in ("images", "labels"):
            (tmp_path / name / "players" / sub).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / name / "players" / "images" / (stem + ".png")), picture)
        (tmp_path / name / "players" / "labels" / (stem + ".txt")).write_text("".join(
            f"{c} {x / D.SRC_W} {y / D.SRC_H} {w / D.SRC_W} {h / D.SRC_H}\n" for c, x, y, w, h in rows + more))
    (tmp_path / "more" / "pseudo").touch()
    return tmp_path


def test_doubtful_boxes_ask_for_nothing(roots):
    frames = D.Frames([roots / "own", roots / "more"], "players", roots / "cache", val=False)
    assert frames.pseudo == [False, True]
    assert [len(b) for b in frames.labels] == [9, 9] and [len(u) for u in frames.unsure] == [0, 1]
    assert frames.unsure[1][0] == pytest.approx([1480, 255, 1520, 345])
    assert sorted(p.name for p in (roots / "cache").iterdir()) == ["pitch-bbbbbb_1.npy", "players-aaaaaa_1.npy"]
    weight = D.players_weights(frames)
    assert weight[1] / weight[0] == pytest.approx(0.6)
    frames.weight = weight
    patches = D.Patches(frames, 0.5, 1.0)
    masked = 0
    for seed in range(6):
        w, h = 640, 384
        x, boxes, ignore = D.players_sample(frames, patches, np.random.default_rng(seed), w, h, whole=True, index=1)
        heat, _, _, mask = D.players_target(boxes, ignore, w, h)
        assert x.shape == (6, h // 2, w // 2) and (boxes[:, 0] <= D.REFEREE).all()
        assert (mask[:, heat.max(0) > 0.99] == 1).all()  # who is known counts, also inside a doubtful box
        for a, b, c, d in ignore:
            masked += (mask[0, int(b / 4):int(d / 4) + 1, int(a / 4):int(c / 4) + 1] == 0).any()
    assert masked >= 3


def test_samples_repeat(roots):
    frames = D.Frames([roots / "own"], "players", roots / "cache", val=False)
    frames.weight = np.ones(1)
    patches = D.Patches(frames, 0.5, 1.0)

    def sample(seed):
        cv2.setRNGSeed(seed)
        return D.players_sample(frames, patches, np.random.default_rng(seed), 320, 192)

    for seed in range(8):
        a, b = sample(seed), sample(seed)
        assert all(np.array_equal(p, q) for p, q in zip(a, b))
    assert not np.array_equal(sample(1)[0], sample(2)[0])


def test_drawn_balls():
    rng = np.random.default_rng(4)
    for _ in range(200):
        height = rng.uniform(30, 150)
        im, alpha, box = D.Patches.draw_ball(height, rng)
        assert im.shape == (*alpha.shape, 3) and np.isfinite(im).all()
        assert -1e-6 < alpha.min() and 0.2 < alpha.max() < 1.001
        ys, xs = np.mgrid[:alpha.shape[0], :alpha.shape[1]] + 0.5
        centre = (alpha * xs).sum() / alpha.sum(), (alpha * ys).sum() / alpha.sum()
        assert centre == pytest.approx(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), abs=1)
        side = box[2] - box[0]
        assert side == pytest.approx(box[3] - box[1]) and 1.7 * 0.122 * 0.84 < side / height < 1.7 * 0.122 * 1.21
        area = np.pi / 4 * (side / 1.7) ** 2
        assert alpha.sum() == pytest.approx(area, rel=0.25, abs=2)


def test_shoes_spare_everything_else():
    yuv = np.full((120, 200, 3), (110, 110, 115), np.float32)
    yuv[20:100, 90:110] = (60, 128, 128)  # somebody
    yuv[94:100, 112:118] = (220, 128, 128)  # a ball at the foot
    before = yuv.copy()
    changed = np.zeros((120, 200), bool)
    for seed in range(20):
        now = before.copy()
        D.change_shoes(now, [(86, 20, 119, 100)], [(112, 94, 118, 100)], np.random.default_rng(seed))
        changed |= (now != before).any(2)
    ys, xs = np.nonzero(changed)
    assert len(ys) > 50 and ys.min() >= 100 - 0.13 * 80 - 1 and ys.max() <= 101
    assert (before[ys, xs, 0] == 60).all()  # neither grass nor ball


def test_ball_share(roots):
    frames = D.Frames([roots / "own"], "players", roots / "cache", val=False)
    x, y, h = (np.array(v, float) for v in zip(*[(300 + 180 * i, 350 + 70 * i, 60 + 8 * i) for i in range(8)]))
    slope, mean = np.polyfit(y - y.mean(), h, 1)
    expected = 14 / (mean + slope * (507 - y.mean()))
    assert D.ball_share(frames) == pytest.approx(expected, rel=0.03)  # the slope is held back a little


def test_graphics_on_thin_strips():
    """A picture that is shrunk far leaves a strip; once in some hundred thousand samples a graphic on it had no row."""
    covered = 0
    for seed in range(300):
        strip = np.full((24 + seed % 6, 320, 3), 7, np.uint8)
        boxes = D.graphics(strip, np.random.default_rng(seed))
        covered += len(boxes)
        assert (boxes[:, 2:] > boxes[:, :2]).all() and (boxes >= 0).all() and (boxes[:, 3] <= len(strip)).all()
        for x1, y1, x2, y2 in boxes.astype(int):
            assert (strip[y1:y2, x1:x2] != 7).any()
    assert covered > 300
