"""An analysed clip and a dub of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import soundfile as sf

from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.records import Phone
from lipsync_engine.resync import analyse
from lipsync_engine.speech import espeak
from tests.speech_media import recording


@dataclass(frozen=True)
class Dubbed:
    """A clip, its analysis, and a dub of it."""

    video: Path
    analysis: Path
    track: FaceTrack
    dialogue: Path
    phones: tuple[Phone, ...]
    phone_file: Path


def make_dubbed(folder: Path) -> Dubbed:
    video = recording("lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg")
    spoken = espeak.synthesize("Mamá baja la papa blanca hasta la playa.", espeak.voice_for("es"))
    dialogue, phone_file, analysis = (folder / name for name in ("dub.wav", "phones.json", "analysis.npz"))
    sf.write(dialogue, spoken.samples, spoken.sample_rate_hz)
    rows = [{"ipa": p.ipa, "start_ms": p.start_ms, "end_ms": p.end_ms, "stress": p.stress} for p in spoken.phones]
    phone_file.write_text(json.dumps(rows), "utf-8")
    return Dubbed(video, analysis, analyse(video, analysis), dialogue, spoken.phones, phone_file)
