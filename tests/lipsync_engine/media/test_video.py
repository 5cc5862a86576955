"""The picture is read and written as it is: times, depth, size, colour."""

import multiprocessing
import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from lipsync_engine.media import video
from tests.lipsync_engine.pictures import make, times_of
from tests.small_files import files_no_larger_than


def copy(source: Path, target: Path) -> list[float]:
    facts = video.probe(source)
    times = []
    with video.Writer(target, facts) as writer:
        for frame in video.read(source, facts):
            times.append(frame.time_s)
            writer.write(frame.planes, frame.pts)
    return times


def test_variable_frame_times_are_kept(tmp_path):
    source = make(tmp_path / "vfr.mkv", [0, 33, 100, 110, 180, 400, 433])
    times = copy(source, tmp_path / "out.mp4")
    assert times == pytest.approx([0, 0.033, 0.1, 0.11, 0.18, 0.4, 0.433])
    assert times_of(tmp_path / "out.mp4") == pytest.approx(times, abs=1e-4)


def test_ten_bit_stays_ten_bit(tmp_path):
    source = make(tmp_path / "deep.mkv", [0, 40, 80], pixel_format="yuv420p10le")
    copy(source, tmp_path / "out.mp4")
    facts = video.probe(tmp_path / "out.mp4")
    assert facts.depth == 10
    frame = next(video.read(tmp_path / "out.mp4", facts))
    assert frame.planes[0].dtype == np.uint16
    assert frame.planes[0].max() > 255


def test_odd_size_grows_by_one_pixel_at_most(tmp_path):
    source = make(tmp_path / "odd.mkv", [0, 40], size=(65, 47), codec="ffv1")
    copy(source, tmp_path / "out.mp4")
    facts = video.probe(tmp_path / "out.mp4")
    assert (facts.width, facts.height) == (66, 48)


def test_other_chroma_is_converted(tmp_path):
    source = make(tmp_path / "full.mkv", [0, 40], pixel_format="yuv444p", codec="ffv1")
    assert video.probe(source).pixel_format == "yuv420p"
    assert len(copy(source, tmp_path / "out.mp4")) == 2


def test_broken_file_is_a_media_error(tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"not a movie")
    with pytest.raises(video.MediaError, match=r"x\.mp4"):
        video.probe(tmp_path / "x.mp4")


def copy_on_one_processor(source: Path, target: Path) -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    copy(source, target)


def test_bytes_do_not_depend_on_the_number_of_processors(tmp_path):
    source = make(tmp_path / "in.mkv", list(range(0, 1200, 40)), size=(320, 240))
    copy(source, tmp_path / "all.mp4")
    alone = multiprocessing.get_context("spawn").Process(
        target=copy_on_one_processor, args=(source, tmp_path / "one.mp4")
    )
    alone.start()
    alone.join()
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "all.mp4").read_bytes()


def test_failed_write_leaves_nothing(tmp_path):
    facts = video.probe(make(tmp_path / "in.mkv", [0, 40]))
    with pytest.raises(RuntimeError), video.Writer(tmp_path / "out.mp4", facts):
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]


def test_what_is_seen_for_one_picture_is_encoded_as_well_as_what_stays(tmp_path):
    facts = video.probe(make(tmp_path / "source.mkv", list(range(0, 2000, 40)), size=(160, 112)))
    random = np.random.default_rng(2)
    still, brief = (
        cv2.GaussianBlur(random.normal(128, 90, (112, 160)).astype(np.float32), (0, 0), 1.5) for _ in range(2)
    )
    patch, once = (slice(48, 64), slice(64, 96)), [20, 30]
    grey = np.full((56, 80), 128, np.uint8)
    pictures = []
    with video.Writer(tmp_path / "out.mp4", facts) as writer:
        for number in range(50):
            picture = still + random.normal(0, 2, still.shape)  # grain
            if number in once:
                picture[patch] = brief[patch]
            pictures.append(np.clip(picture, 16, 235).astype(np.uint8))
            writer.write((pictures[-1], grey, grey), 40 * number)
    frames = video.read(tmp_path / "out.mp4", video.probe(tmp_path / "out.mp4"))
    errors = np.array([np.abs(f.planes[0][patch].astype(int) - pictures[f.index][patch]).mean() for f in frames])
    assert errors[once].max() < np.median(errors)


def test_a_picture_whose_end_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", list(range(0, 8000, 1000)))
    with files_no_larger_than(1), pytest.raises(av.FFmpegError, match="large"):
        copy(source, tmp_path / "out.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
