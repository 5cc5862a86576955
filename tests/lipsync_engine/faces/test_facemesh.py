"""The face networks give what MediaPipe gives, by LiteRT and by torch; crops come straight from planes."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from configs.models import models
from lipsync_engine.faces.facemesh import regions
from lipsync_engine.faces.facemesh.builtin import with_builtins
from lipsync_engine.faces.facemesh.detector import FaceDetector
from lipsync_engine.faces.facemesh.mesh import SIDE, FaceMesh
from lipsync_engine.faces.facemesh.models import FAR, MESH, NEAR, LiteRun, TorchRun, graph_of
from lipsync_engine.faces.facemesh.picture import Picture
from lipsync_engine.faces.facemesh.tflite import read
from lipsync_engine.faces.facemesh.weights import FILES, ModelError, content_of
from lipsync_engine.media import video
from tests.speech_media import recording

OBAMA, TWO = "face_recognition/examples/obama-1080p.jpg", "face_recognition/examples/two_people.jpg"


def _still(name: str) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(recording(name))), cv2.COLOR_BGR2RGB)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """One face upright, turned, moved off centre, cut off, and no face."""
    picture = Picture.of_rgb(_still(OBAMA))
    found = FaceDetector().find(picture)[0]
    around = regions.around_boxes(found.box[None], found.eyes[None])[0]
    size = around[2]
    moves = [(0, 0, 0, 0), (0, 0, 0, 0.4), (0.1 * size, -0.05 * size, 0.1 * size, 0), (0.45 * size, 0, 0, 0)]
    views = [picture.crop(around + np.array(move), SIDE) for move in moves]
    return np.stack([*views, np.full((SIDE, SIDE, 3), 90, np.uint8)])


#: Points that MediaPipe 0.10.21's own interpreter (XNNPACK) finds in 192 pixels of skimage's astronaut.
MEDIAPIPES = {
    0: (93.913, 120.302, -8.963), 1: (94.374, 110.731, -23.051), 10: (97.634, 45.578, -12.282),
    13: (93.722, 123.571, -5.317), 14: (93.237, 130.256, -2.690), 17: (92.843, 136.346, -3.587),
    33: (64.637, 80.915, 3.800), 50: (59.263, 99.759, 2.010), 61: (72.123, 119.162, 7.700),
    133: (83.325, 83.428, 0.201), 152: (92.793, 159.128, 9.426), 263: (126.340, 84.767, 3.515),
    280: (130.338, 103.243, 1.742), 291: (115.503, 120.329, 7.937), 362: (106.834, 84.955, 0.046),
    468: (73.280, 80.948, 0.046), 473: (116.778, 83.759, -0.186),
}  # fmt: skip


@pytest.mark.parametrize("torch_on_cpu", [False, True], ids=["litert", "torch"])
def test_the_mesh_is_mediapipes(torch_on_cpu: bool) -> None:
    crop = np.ascontiguousarray(astronaut()[20:212, 130:322])
    points, sure = FaceMesh(torch_on_cpu=torch_on_cpu)(crop[None])
    assert np.abs(points[0, list(MEDIAPIPES)] - np.array(list(MEDIAPIPES.values()))).max() < 0.002  # of 192
    assert sure[0] > 0.999


def test_both_runners_give_the_same_mesh(crops) -> None:
    (ours, sure), (theirs, presence) = FaceMesh(torch_on_cpu=True)(crops), FaceMesh()(crops)
    assert np.abs(ours - theirs)[:4].max() < 0.01
    assert np.abs(sure - presence).max() < 1e-3
    assert sure[0] > 0.9
    assert sure[-1] < 0.1


def test_the_same_crops_give_the_same_bytes_in_another_interpreter(crops) -> None:
    assert np.array_equal(FaceMesh()(crops)[0], FaceMesh()(crops[::-1])[0][::-1])


def test_the_mesh_is_rewritten_into_the_same_bytes_each_time_with_nothing_of_mediapipes_own() -> None:
    content = content_of(MESH.name)
    rewritten = with_builtins(content)
    assert with_builtins(content) == rewritten
    assert {step.name for step in read(content).operators} - {step.name for step in read(rewritten).operators} == {
        "Landmarks2TransformMatrix",
        "TransformTensorBilinear",
        "TransformLandmarks",
    }


def test_what_litert_says_of_itself_stays_off_the_terminal_and_nothing_else_does() -> None:
    import_and_open = (
        "import os\n"
        "from lipsync_engine.faces.facemesh import litert\n"
        "from lipsync_engine.faces.facemesh.weights import content_of\n"
        "with litert._without_news(): os.write(2, litert._NO_NEWS + b'an error')\n"
        "litert.Network(content_of('face_detection_short_range.tflite'), -1.0)\n"
    )
    done = subprocess.run([sys.executable, "-c", import_and_open], capture_output=True, text=True, check=True)
    assert done.stderr == "an error"


def test_a_batch_gives_what_single_pictures_give(crops) -> None:
    mesh = FaceMesh(torch_on_cpu=True)
    together, _ = mesh(crops)
    for crop, points in zip(crops, together, strict=True):
        assert np.abs(mesh(crop[None])[0][0] - points).max() < 0.01


@pytest.mark.parametrize("model", [FAR, NEAR], ids=["far", "near"])
def test_both_runners_give_the_same_detections(model) -> None:
    small = Picture.of_rgb(_still(TWO)).reduced(model.side)[0][None]
    ours, theirs = TorchRun(model)(small), LiteRun(model)(small)
    for name, values in theirs.items():
        assert np.abs(ours[name] - values).max() < 0.001 * np.abs(values).max()


def test_the_detector_finds_both_faces_where_they_are() -> None:
    rgb = _still(TWO)
    found = FaceDetector().find(Picture.of_rgb(rgb))
    assert len(found) == 2
    for face in found:
        left, top, right, bottom = face.box
        assert left < face.eyes[0, 0] < face.eyes[1, 0] < right
        assert top < face.eyes[:, 1].min() < (top + bottom) / 2


def test_a_region_follows_a_turned_head() -> None:
    rgb = _still(OBAMA)
    turn = cv2.getRotationMatrix2D((960, 400), 25, 1.0)
    meshes = []
    mesh = FaceMesh()
    for picture in (Picture.of_rgb(rgb), Picture.of_rgb(cv2.warpAffine(rgb, turn, rgb.shape[1::-1]))):
        found = FaceDetector().find(picture)[0]
        around = regions.around_boxes(found.box[None], found.eyes[None])
        for _ in range(3):
            points, _ = mesh(picture.crop(around[0], SIDE)[None])
            points = regions.to_picture(points, around, SIDE)
            around = regions.around_landmarks(points)
        meshes.append(points[0])
    expected = meshes[0][:, :2] @ turn[:, :2].T + turn[:, 2]
    assert np.median(np.linalg.norm(meshes[1][:, :2] - expected, axis=1)) < 0.012 * np.ptp(expected[:, 0])


@pytest.mark.parametrize(
    "name", ["open-dubbing/tests/data/englishvideo.mp4", "lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg"]
)
def test_crops_from_planes_look_like_the_converted_picture(name) -> None:
    path = recording(name)
    facts = video.probe(path)
    frame = next(iter(video.read(path, facts)))
    region = np.array([facts.width / 2, facts.height / 2, 0.6 * facts.height, 0.2])
    crop = Picture(frame.planes, facts.colour).crop(region, SIDE, steady=False).astype(int)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    plain = cv2.warpAffine(frame.rgb(), regions.matrix(region, SIDE), (SIDE, SIDE), flags=flags).astype(int)
    assert np.abs(crop - plain).mean() < 2.0
    assert np.abs((crop - plain).mean(axis=(0, 1))).max() < 2.0  # FFmpeg's conversion rounds down


def test_ten_bits_give_the_crop_of_eight() -> None:
    picture = Picture.of_rgb(_still(OBAMA))
    deep = Picture(tuple(p.astype(np.uint16) * 4 for p in picture.planes), picture.colour)
    region = np.array([960.0, 400.0, 500.0, 0.1])
    for a, b in (
        (picture.crop(region, SIDE), deep.crop(region, SIDE)),
        (picture.reduced(192)[0], deep.reduced(192)[0]),
    ):
        gaps = np.abs(a.astype(int) - b.astype(int))
        assert gaps.max() <= 5  # rounding
        assert gaps.mean() < 1
    points = np.array([[0.0, 0.0], [960.4, 400.2], [5000.0, 5000.0]])
    assert np.array_equal(picture.colours(points), deep.colours(points))


def test_the_sparse_weights_are_unpacked() -> None:
    weights = [a for a in graph_of(FAR).constants.values() if a.ndim == 4 and a.size > 4096]
    assert len(weights) > 10
    assert all(np.isfinite(a).all() and (a != 0).mean() > 0.05 for a in weights)


def test_the_reader_says_what_is_wrong() -> None:
    with pytest.raises(ModelError, match="no TensorFlow Lite model"):
        read(b"this is no model at all")


def test_weights_that_are_missing_or_others_are_told_with_what_to_do(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("POLYDUB_MODELS", str(tmp_path / "mine"))
    with pytest.raises(ModelError, match=r"polydub models fetch face-mesh.* into .*mine/face-mesh"):
        content_of(NEAR.name)
    own = tmp_path / "mine" / "face-mesh"
    own.mkdir(parents=True)
    (own / NEAR.name).write_bytes(b"another network")
    with pytest.raises(ModelError, match="is not the face_detection_short_range"):
        content_of(NEAR.name)


def test_the_engine_and_the_table_of_models_mean_the_same_files() -> None:
    assert {name: file.sha256 for name, file in models()["face-mesh"].files.items()} == FILES
    assert {MESH.name, FAR.name, NEAR.name} == set(FILES)


def test_the_mesh_reader_knows_the_refined_points() -> None:
    names = [step.name for step in graph_of(MESH).operators]
    assert names.count("Landmarks2TransformMatrix") == 3
    assert "dequantize" not in names
