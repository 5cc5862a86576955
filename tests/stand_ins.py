"""What the tests make for themselves where the folder of test media is not there, by the names of that folder.

A stand-in has the size, rate, length and words of the recording that it stands for, and not its people: what depends
on a real voice or a certain face is tested on recordings alone.
"""

from __future__ import annotations

import atexit
import shutil
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

from tests.talking_head import opening, speaking, spoken, write

#: Frontal speakers, 3 s, 360x288, 25 frames a second: what each says, and the voice of eSpeak NG that says it.
HEADS = {"lipnet-grid/evaluation/samples/GRID/bbaf2n.mpg": ("bin blue at F two now", "en-us+m3")}


@lru_cache(maxsize=len(HEADS))
def stand_in(name: str) -> Path:
    """The film of a talking head that stands for a recording, made once a process (H.264 in MP4).

    Raises:
        KeyError: nothing stands for a recording of that name.
    """
    text, voice = HEADS[name]
    folder = Path(mkdtemp(prefix="polydub-stand-in-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    said, size, rate = spoken(((0.4, text),), 3.0, voice), (360, 288), 25
    path = folder / f"{Path(name).stem}.mp4"
    write(path, speaking(opening(said.phones, 3 * rate, rate), rate, size), said, rate)
    return path
