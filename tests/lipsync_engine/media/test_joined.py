"""Where a title is divided, and films that are joined from stretches: every frame, every time, every tag."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from lipsync_engine.draw.render import Rendering, Task, render
from lipsync_engine.media import video
from lipsync_engine.media.stretches import bounds_of, stretches_of
from tests.clips import ffmpeg

HDR = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-color_range", "tv")
SDR = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "250")
#: What a title may be: copied in part, encoded as a whole, ten bits, PQ, pictures at uneven times.
SOURCES = {
    "copied.mp4": (*H264, "-pix_fmt", "yuv420p", *SDR, "-force_key_frames", "2.0"),
    "still_order.mp4": (*H264, "-pix_fmt", "yuv420p", "-bf", "0"),
    "whole.avi": ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p"),
    "ten.mp4": (*H264, "-pix_fmt", "yuv420p10le", *SDR),
    "hdr.mp4": (*H264, "-pix_fmt", "yuv420p10le", *HDR),
    "uneven.mkv": (
        *H264,
        "-pix_fmt",
        "yuv420p",
        "-vf",
        "select='not(mod(n,7))+not(mod(n,5))+mod(n,2)'",
        "-vsync",
        "vfr",
    ),
}


class Shelf(dict[str, Path]):
    find = dict.get

    def keep(self, key: str, file: Path) -> None:
        self[key] = file.rename(file.with_name(f"{key}.kept"))


def made(source: Path, out: Path, shelf: Shelf | None, bounds: tuple[int, ...] = (0, 13, 30, 50)) -> Rendering:
    times = np.array([frame.time_s for frame in video.read(source, video.probe(source))])
    cut = np.array([*(at for at in bounds if at < len(times)), len(times)])
    edited = times >= (2.0 if source.name == "copied.mp4" else 0.0)
    task = Task(source, out, times, edited, bounds=cut, shelf=shelf)
    return render(task, [])


def clip(folder: Path, name: str) -> Path:
    path = folder / name
    ffmpeg("-f", "lavfi", "-i", "testsrc2=d=6:r=10:s=160x120", *SOURCES[name], path)
    return path


@pytest.mark.parametrize("name", SOURCES)
def test_a_film_of_stretches_has_every_frame_time_and_tag_and_is_found_again(name: str, tmp_path: Path) -> None:
    source, shelf = clip(tmp_path, name), Shelf()
    first = made(source, tmp_path / "out.mp4", shelf)
    again = made(source, tmp_path / "again.mp4", shelf)
    count = len(first.stretches)
    assert count > 1
    assert (first.found, first.drawn, again.found, again.drawn) == (0, first.frames - first.copied, count, 0)
    assert first.copied == again.copied == (20 if name == "copied.mp4" else 0)
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()
    facts = video.probe(source), video.probe(tmp_path / "out.mp4")
    times, pixels = zip(*(_seen(path) for path in (source, tmp_path / "out.mp4")), strict=True)
    assert times[1] == pytest.approx(times[0], abs=1e-3)
    unit = 4 if facts[0].depth > 8 else 1
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(*pixels, strict=True)) < 4 * unit
    assert (facts[0].colour, facts[0].depth, facts[0].hdr) == (facts[1].colour, facts[1].depth, facts[1].hdr)
    starts = [stretch.first for stretch in first.stretches]
    assert set(starts) <= set(_keys(tmp_path / "out.mp4"))
    told = subprocess.run(
        ["ffmpeg", "-v", "warning", "-i", tmp_path / "out.mp4", "-f", "null", "-"], capture_output=True
    )
    assert (told.returncode, told.stderr) == (0, b"")


def _seen(path: Path) -> tuple[list[float], list[np.ndarray]]:
    frames = list(video.read(path, video.probe(path)))
    return [frame.time_s for frame in frames], [np.array(frame.planes[0]) for frame in frames]


def _keys(path: Path) -> list[int]:
    with av.open(str(path)) as film:
        return [number for number, frame in enumerate(film.decode(video=0)) if frame.key_frame]


def test_a_title_is_cut_at_shots_and_between_lines_and_no_stretch_is_long() -> None:
    times = np.arange(1000) / 25  # 40 s
    shots = (times >= 30).astype(np.int32)
    lines = np.array([(1000, 4000, 0), (5000, 7000, 0), (7400, 8000, 0), (9000, 9400, 1), (12_000, 27_000, 0)])
    seconds = (bounds_of(times, shots, lines) / 25).tolist()
    assert seconds == pytest.approx([0, 4.5, 7.2, 10.72, 17.12, 23.56, 30, 35, 40], abs=0.05)
    assert seconds == (bounds_of(times, shots, lines[::-1]) / 25).tolist()
    assert bounds_of(times, 0 * shots, lines[:0]).tolist() == [0, 200, 400, 600, 800, 1000]
    assert bounds_of(times[:1], shots[:1], lines).tolist() == [0, 1]
    assert bounds_of(times[:0], shots[:0], lines).tolist() == [0]


def test_a_run_is_divided_where_the_title_is_but_not_next_to_its_ends() -> None:
    times, bounds = np.arange(400) / 25, np.array([0, 100, 200, 300, 400])
    assert stretches_of((0, 400), bounds, times) == [(0, 100), (100, 200), (200, 300), (300, 400)]
    assert stretches_of((90, 310), bounds, times) == [(90, 200), (200, 310)]
    assert stretches_of((110, 120), bounds, times) == [(110, 120)]


def test_a_stretch_that_was_damaged_is_made_again(tmp_path: Path) -> None:
    source, shelf = clip(tmp_path, "ten.mp4"), Shelf()
    count = len(made(source, tmp_path / "out.mp4", shelf).stretches)
    for path, content in zip(shelf.values(), (b"", b"PK", b"something else"), strict=False):
        path.write_bytes(content)
    again = made(source, tmp_path / "again.mp4", shelf)
    assert (again.found, len(again.stretches)) == (max(0, count - 3), count)
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "out.mp4").read_bytes()
