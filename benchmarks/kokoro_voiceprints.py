"""How Kokoro's voices sound: writes `configs/kokoro_voices.yaml`, by which a voice is found that is like a speaker's.

    python -m benchmarks.kokoro_voiceprints [--out FILE]

Each voice that a language offers speaks a sentence of its own language. Kept are the Resemblyzer embedding of it (unit
vector [256], half precision, base64) and the median pitch in Hz. Voices that the file has already are not spoken again.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import yaml

from configs.kokoro import kokoro
from tasks.diarize.pitch import median_pitch_hz
from tasks.sound.voiceprints import voice_of
from tasks.synthesize import synthesizer
from tasks.understood.ears import clip_of

_OUT = Path(__file__).parents[1] / "configs" / "kokoro_voices.yaml"
_HEAD = (
    "# How Kokoro's voices sound, by `python -m benchmarks.kokoro_voiceprints`: median pitch in Hz, and Resemblyzer's\n"
    "# embedding of a sentence (unit vector [256], float16, base64).\n"
)
#: By the first letter of a voice's name: the language that it was trained on.
SENTENCES = {
    "a": ("en", "We waited that morning until the boats came back from the sea."),
    "b": ("en-GB", "We waited that morning until the boats came back from the sea."),
    "e": ("es", "Aquella mañana esperamos hasta que los barcos volvieron del mar."),
    "f": ("fr", "Ce matin-là, nous avons attendu que les bateaux reviennent de la mer."),
    "h": ("hi", "हम उस सुबह तब तक रुके जब तक नावें समुद्र से लौट नहीं आईं।"),
    "i": ("it", "Quella mattina abbiamo aspettato che le barche tornassero dal mare."),
    "j": ("ja", "その朝、私たちは船が海から戻るまで待ちました。"),
    "p": ("pt", "Naquela manhã esperamos até os barcos voltarem do mar."),
    "z": ("zh", "那天早上，我们一直等到船从海上回来。"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=_OUT)
    out = parser.parse_args().out
    backend = synthesizer("kokoro", {"all_languages": True})
    offered = [name for table in kokoro().languages.values() for name in (*table.female, *table.male)]
    table = yaml.safe_load(out.read_text("utf-8")) or {} if out.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name, _ in Counter(offered).most_common():
            if name in table:
                continue
            language, text = SENTENCES[name[0]]
            spoken = backend.synthesize(text, name, language, Path(folder) / "voice.wav")
            pitch_hz = median_pitch_hz(clip_of(spoken.audio).astype(np.float32) / np.float32(32768))
            coded = base64.b64encode(voice_of(spoken.audio).astype("<f2").tobytes()).decode()
            table[name] = {"pitch_hz": pitch_hz, "voiceprint": coded}
            out.write_text(_HEAD + yaml.safe_dump(table, width=10_000, default_flow_style=None), "utf-8")
            print(f"{name:24} {pitch_hz:6.1f} Hz", flush=True)


if __name__ == "__main__":
    main()
