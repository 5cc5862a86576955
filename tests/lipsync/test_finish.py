"""Scene modes finish the whole picture and keep every frame; restoration changes only what a system returned."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from configs.profile import ProfileError, load_profile
from configs.scene_modes import scene_modes
from lipsync_engine.media import video
from tasks.lipsync.finish import Finishing, finish, finished, fitting_scene
from tasks.lipsync.restore import Restore, facts, missing, restore
from tasks.records.errors import MissingBackendError, ProcessFailedError
from tests.clips import MASTERING, ffmpeg, hdr10, ten_bits
from tests.lipsync_engine.pictures import times_of
from tests.lipsync_engine.scenes import write


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    y, x = np.mgrid[:96, :128]
    wave = [127 + 120 * np.sin(x / 3 + i / 2) * np.cos(y / 4) for i in range(12)]
    frames = [np.repeat(w[:, :, None], 3, axis=2).astype(np.uint8) for w in wave]
    return write(tmp_path_factory.mktemp("finish") / "clip.mp4", frames)


def luma(path: Path) -> np.ndarray:
    return np.stack([frame.planes[0] for frame in video.read(path, video.probe(path))]).astype(float)


@pytest.mark.parametrize("mode", sorted(scene_modes()))
def test_a_mode_keeps_frames_and_times_and_changes_the_picture(clip: Path, tmp_path: Path, mode: str) -> None:
    finish(clip, mode, tmp_path / "a.mp4")
    finish(clip, mode, tmp_path / "b.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert times_of(tmp_path / "a.mp4") == pytest.approx(times_of(clip), abs=1e-4)
    if mode == "broadcast":
        assert luma(tmp_path / "a.mp4").max() <= 238
    else:
        assert np.abs(luma(tmp_path / "a.mp4") - luma(clip)).mean() > 0.5


@pytest.fixture(scope="module")
def tall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = [np.full((852, 480, 3), 40 * i, np.uint8) for i in range(4)]
    return write(tmp_path_factory.mktemp("tall") / "tall.mp4", frames)


def size(path: Path) -> tuple[int, int]:
    return video.probe(path).width, video.probe(path).height


def test_a_height_is_of_the_shorter_side_and_keeps_frames_and_times(tall: Path, tmp_path: Path) -> None:
    written, (note,) = finished(tall, Finishing(height=240), tmp_path / "out.mp4")
    assert written
    assert size(tmp_path / "out.mp4") == (240, 426)
    assert note == "The masters' picture was reduced from 480x852 to 240x426."
    assert times_of(tmp_path / "out.mp4") == pytest.approx(times_of(tall), abs=1e-4)


def test_a_picture_is_enlarged_only_when_asked(tall: Path, tmp_path: Path) -> None:
    how = Finishing.of(load_profile("offline", {"height": "720p"}))
    written, (note,) = finished(tall, how, tmp_path / "out.mp4")
    assert not written
    assert not (tmp_path / "out.mp4").exists()
    assert "keep the picture's 480x852" in note
    how = Finishing.of(load_profile("offline", {"height": "720p", "upscale": True}))
    written, (note,) = finished(tall, how, tmp_path / "out.mp4")
    assert written
    assert size(tmp_path / "out.mp4") == (720, 1278)
    assert "enlarged" in note


def test_a_picture_of_that_height_already_is_not_encoded_again(tall: Path, tmp_path: Path) -> None:
    assert finished(tall, Finishing(height=480), tmp_path / "out.mp4") == (False, ())
    assert not Finishing.of(load_profile("offline"))
    with pytest.raises(ProfileError, match="height"):
        load_profile("offline", {"height": "4000p"})


def test_a_scene_mode_leaves_hdr_alone_and_says_so(tmp_path: Path) -> None:
    source = hdr10(tmp_path / "in.mp4", 0.2)
    written, (note,) = finished(source, Finishing(scene="broadcast"), tmp_path / "out.mp4")
    assert not written
    assert "broadcast was not applied" in note
    assert fitting_scene(source, Finishing(scene="broadcast")) is None


def test_hdr_at_another_height_stays_hdr_with_its_figures(tmp_path: Path) -> None:
    source = hdr10(tmp_path / "in.mp4", 0.2)
    assert finished(source, Finishing(height=60), tmp_path / "out.mp4")[0]
    before, after = (video.probe(tmp_path / name) for name in ("in.mp4", "out.mp4"))
    assert (after.depth, after.mastering, after.light, after.colour) == (10, MASTERING, "1000,400", before.colour)
    assert size(tmp_path / "out.mp4") == (80, 60)


def test_ten_bits_of_sdr_become_eight_as_bright_as_they_were_and_it_is_said(tmp_path: Path) -> None:
    source = ten_bits(tmp_path / "in.mp4", 0.2)
    written, (note,) = finished(source, Finishing(scene="broadcast"), tmp_path / "out.mp4")
    assert written
    assert "8-bit" in note
    assert video.probe(tmp_path / "out.mp4").depth == 8
    assert luma(tmp_path / "out.mp4").mean() == pytest.approx(luma(source).mean() / 4, abs=3)


@pytest.mark.parametrize("mode", sorted(scene_modes()))
def test_a_mode_keeps_the_tags_of_colours(tmp_path: Path, mode: str) -> None:
    graph = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x120:d=0.2", "-vf", graph, "-c:v", "libx264", tmp_path / "in.mp4")
    finish(tmp_path / "in.mp4", mode, tmp_path / "out.mp4")
    before, after = (video.probe(tmp_path / name) for name in ("in.mp4", "out.mp4"))
    assert before.colour[:3] == after.colour[:3] == (1, 1, 1)


def test_modes_are_off_unless_named_and_unknown_ones_refused() -> None:
    assert load_profile("offline").scene is None
    with pytest.raises(ProfileError, match="choose one of"):
        load_profile("offline", {"scene": "noir"})


def test_sharpening_needs_nothing(clip: Path, tmp_path: Path) -> None:
    restore(clip, tmp_path / "out.mp4", Restore(kind="sharpen"))
    assert times_of(tmp_path / "out.mp4") == pytest.approx(times_of(clip), abs=1e-4)
    assert luma(tmp_path / "out.mp4").std() > luma(clip).std()


TOOL = """
import argparse, pathlib, cv2
p = argparse.ArgumentParser()
for flag in ("-i", "-o", "-v", "-s", "--bg_upsampler"): p.add_argument(flag)
a = p.parse_args()
out = pathlib.Path(a.o) / "restored_imgs"; out.mkdir(parents=True)
for number, file in enumerate(sorted(pathlib.Path(a.i).glob("*.png"))):
    if number < LIMIT: cv2.imwrite(str(out / file.name), cv2.imread(str(file)) // DARKER)
"""


def checkout(folder: Path, limit: int, fidelity: float = 0.5, darker: int = 1) -> Restore:
    weights = ("experiments/pretrained_models/GFPGANv1.4.pth", "gfpgan/weights/detection_Resnet50_Final.pth")
    for name in (*weights, "gfpgan/weights/parsing_parsenet.pth"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"stand-in")
    (folder / "inference_gfpgan.py").write_text(TOOL.replace("LIMIT", str(limit)).replace("DARKER", str(darker)))
    return Restore(kind="gfpgan", checkout=folder, python=sys.executable, fidelity=fidelity)


def test_a_checkout_restores_every_picture(clip: Path, tmp_path: Path) -> None:
    restore(clip, tmp_path / "out.mp4", checkout(tmp_path / "gfpgan", 99))
    assert times_of(tmp_path / "out.mp4") == pytest.approx(times_of(clip), abs=1e-4)
    assert np.abs(luma(tmp_path / "out.mp4") - luma(clip)).mean() < 3


def test_where_a_tool_knows_no_fidelity_what_came_in_is_mixed_in(clip: Path, tmp_path: Path) -> None:
    means = []
    for fidelity in (0.0, 0.5, 1.0):
        restore(clip, tmp_path / "out.mp4", checkout(tmp_path / "gfpgan", 99, fidelity, darker=3))
        means.append(luma(tmp_path / "out.mp4").mean())
    assert means[2] == pytest.approx(luma(clip).mean(), abs=2)
    assert means[1] == pytest.approx((means[0] + means[2]) / 2, abs=3)
    assert means[0] < means[2] - 40


def test_a_tool_that_ends_well_but_leaves_pictures_out_has_failed(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(ProcessFailedError, match="5 of 12"):
        restore(clip, tmp_path / "out.mp4", checkout(tmp_path / "gfpgan", 5))


def test_weights_are_not_downloaded(clip: Path, tmp_path: Path) -> None:
    options = checkout(tmp_path / "gfpgan", 99)
    (tmp_path / "gfpgan/experiments/pretrained_models/GFPGANv1.4.pth").unlink()
    assert "nothing is downloaded" in missing(options)[0]
    with pytest.raises(MissingBackendError, match=r"GFPGANv1\.4\.pth"):
        restore(clip, tmp_path / "out.mp4", options)
    assert not facts(options).commercial
