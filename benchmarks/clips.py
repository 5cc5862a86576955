"""The talking heads of the test media (``POLYDUB_MEDIA``, or ``shared/media`` beside the checkout)."""

from __future__ import annotations

import os
from pathlib import Path

MEDIA = Path(os.environ.get("POLYDUB_MEDIA") or Path(__file__).parents[2] / "shared" / "media")
CLIPS = (
    "open-dubbing/tests/data/englishvideo.mp4",
    "latentsync/assets/demo1_video.mp4",
    "latentsync/assets/demo3_video.mp4",
    "liveportrait/assets/examples/driving/d20.mp4",
    "video-retalking/examples/face/1.mp4",
    "video-retalking/examples/face/4.mp4",
    "sadtalker/examples/ref_video/WDA_KatieHill_000.mp4",
    "liveportrait/assets/examples/source/s18.mp4",
    "lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg",
    "lipnet-grid/evaluation/samples/GRID/brbk7n.mpg",
    "lipnet-grid/evaluation/samples/GRID/lbax4n.mpg",
    "lipnet-grid/evaluation/samples/GRID/lwbsza.mpg",
    "lipnet-grid/evaluation/samples/GRID/swiz3n.mpg",
    "lipnet-grid/evaluation/samples/id2_vcd_swwp2s.mpg",
)
