"""Wav2Lip on one clip: the face found by our tracker is redrawn by the generator, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.models import device_named
from lipsync_engine.faces.track import track_faces
from lipsync_engine.media import video
from tasks.lipsync.local.wav2lip_network import Generator, Variant, load
from tasks.lipsync.local.wav2lip_sound import mel, windows

_Box = tuple[int, int, int, int]
#: Margin below the chin as a share of the face's height (the published 10 pixels of 200).
_CHIN = 0.05
#: Frames over which the box is smoothed, as published.
_STEADY = 5


def draw(picture: Path, speech: Path, checkpoint: Path, out: Path, batch: int, tell: Callable[[float], None]) -> int:
    """Write the clip with the faces redrawn; everything else is unchanged, including frames without a face.

    Args:
        picture: the clip.
        speech: its speech, WAV.
        checkpoint: weights of the generator.
        out: the result, of the same size, rate and length.
        batch: faces in one batch.
        tell: called with the share done, 0 to 1.

    Returns:
        Number of redrawn frames.
    """
    device = device_named("auto")
    generator = load(checkpoint).to(device)
    facts = video.probe(picture)
    boxes = _boxes(picture)
    last = max(boxes, default=-1)
    sound = windows(mel(speech), last + 1, float(facts.rate)) if boxes else np.zeros((0, 1, 80, 16), np.float32)
    with video.Writer(out, facts, crf=10) as writer:
        pictures = video.read(picture, facts)
        while frames := list(islice(pictures, batch)):
            shown = [frame for frame in frames if frame.index in boxes]
            faces = [_cut(frame.rgb(), boxes[frame.index], generator.variant.side) for frame in shown]
            heard = sound[[frame.index for frame in shown]]
            for frame, face in zip(shown, _drawn(generator, heard, faces, device), strict=True):
                _put(frame, face, boxes[frame.index], facts)
            for frame in frames:
                writer.write_frame(frame)
            tell(min(1.0, (frames[-1].index + 1) / max(last + 1, 1)))
    return len(boxes)


def _boxes(picture: Path) -> dict[int, _Box]:
    """Left, top, right and bottom of the face by frame, even, inside the picture."""
    from scipy.ndimage import uniform_filter1d

    track = track_faces(picture, faces=1)
    if not track.identities:
        return {}
    rows = track.of(track.identities[0])
    low, high = rows.landmarks[:, :, :2].min(axis=1), rows.landmarks[:, :, :2].max(axis=1)
    high[:, 1] += _CHIN * (high[:, 1] - low[:, 1])
    corners = uniform_filter1d(np.concatenate([low, high], axis=1), _STEADY, axis=0, mode="nearest")
    width, height = track.size.tolist()
    corners = np.clip(np.round(corners / 2).astype(int) * 2, 0, np.array([width, height, width, height]) // 2 * 2)
    return {
        int(frame): (left, top, right, bottom)
        for frame, (left, top, right, bottom) in zip(rows.frame, corners.tolist(), strict=True)
        if right > left and bottom > top
    }


def _cut(rgb: NDArray[np.uint8], box: _Box, side: int) -> NDArray[np.uint8]:
    """The face at the network's size, uint8 [side, side, 3], BGR."""
    left, top, right, bottom = box
    face = cv2.resize(rgb[top:bottom, left:right, ::-1], (side, side))
    return np.asarray(face, np.uint8)


def _drawn(
    generator: Generator, heard: NDArray[np.float32], faces: list[NDArray[np.uint8]], device: str
) -> Iterator[NDArray[np.uint8]]:
    """The faces drawn by the network, uint8 [n, side, side, 3], RGB."""
    if not faces:
        return
    variant = generator.variant
    seen = _inputs(np.stack(faces), variant)
    with torch.inference_mode():
        made = generator(torch.from_numpy(heard).to(device), torch.from_numpy(seen).to(device)).cpu().numpy()
    made = (made + 1) / 2 if variant.signed else made
    for face in made:
        yield np.ascontiguousarray(np.round(255 * face[::-1]).astype(np.uint8).transpose(1, 2, 0))


def _inputs(faces: NDArray[np.uint8], variant: Variant) -> NDArray[np.float32]:
    """The network's input: the face with its lower half masked, and whole, float32 [n, 6, side, side]."""
    whole = faces.transpose(0, 3, 1, 2).astype(np.float32) / 255
    if variant.signed:
        whole = 2 * whole - 1
    hidden = whole.copy()
    edge, side = variant.margin, variant.side
    hidden[:, :, side // 2 : side - edge, edge : side - edge] = -1 if variant.signed else 0
    return np.concatenate([hidden, whole], axis=1)


def _put(frame: video.Frame, face: NDArray[np.uint8], box: _Box, facts: video.VideoFacts) -> None:
    """Write a face into a frame's planes, only inside the box.

    Args:
        frame: changed in place.
        face: uint8 [side, side, 3], RGB.
        box: left, top, right and bottom, pixels.
        facts: of the video.
    """
    import av

    left, top, right, bottom = box
    size = (right - left, bottom - top)
    way = cv2.INTER_AREA if size[0] < face.shape[1] else cv2.INTER_CUBIC
    patch = np.asarray(cv2.resize(face, size, interpolation=way), np.uint8)
    native = av.VideoFrame.from_ndarray(patch, format="rgb24")
    native = native.reformat(format=facts.pixel_format, dst_colorspace=facts.colour[2], dst_color_range=facts.colour[3])
    made = video.planes_of(native, replace(facts, rotation=0))
    for plane, samples, half in zip(frame.planes, made, (1, 2, 2), strict=True):
        plane[top // half : bottom // half, left // half : right // half] = samples
