"""How much Kokoro's voices, chosen for the speakers of the test media, sound like them.

    python -m benchmarks.voice_likeness [--media FOLDER] [--languages es,fr] [--spoken N]

Likeness is the cosine of Resemblyzer's embeddings of the original and of the voice: of the choice (voices and mixtures,
no two speakers alike), of the best single voice, of the pair of voices that serves all speakers best (one a sex), and
of a voice by chance (the mean over all). By the table of voices; the choices of N speakers are spoken too, and heard.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kokoro_voiceprints import SENTENCES
from configs.kokoro import kokoro
from configs.kokoro_voices import sound_of
from tasks.diarize.pitch import median_pitch_hz
from tasks.records.script import Speaker
from tasks.sound.voiceprints import voice_of
from tasks.synthesize import synthesizer
from tasks.synthesize.kokoro_cast import apart, match, own_voices
from tasks.understood.ears import clip_of

#: Recordings of one speaker each, all of different people.
SPEAKERS = (
    "linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-0003.wav",
    "linly-dubbing/submodules/whisper/tests/jfk.flac",
    "librosa-data/audio/198-209-0000.hq.ogg",
    "librosa-data/audio/3436-172162-0000.hq.ogg",
    "picovoice-leopard/resources/audio_samples/test.wav",
    "picovoice-leopard/resources/audio_samples/test_es.wav",
    "picovoice-leopard/resources/audio_samples/test_de.wav",
    "picovoice-leopard/resources/audio_samples/test_fr.wav",
    "picovoice-leopard/resources/audio_samples/test_ja.wav",
    "pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).parents[2] / "shared" / "media"
    parser.add_argument("--media", type=Path, default=Path(os.environ.get("POLYDUB_MEDIA", beside)))
    parser.add_argument("--languages", default="en,en-GB,es,fr,it,pt")
    parser.add_argument("--spoken", type=int, default=0)
    arguments = parser.parse_args()
    files = [arguments.media / name for name in SPEAKERS]
    prints = {path.name: voice_of(path) for path in files}
    pitches = {
        path.name: median_pitch_hz(clip_of(path, 0, 10_000).astype(np.float32) / np.float32(32768)) for path in files
    }
    speakers = [Speaker(id=name, pitch_hz=pitches[name]) for name in prints]
    heard = np.stack([prints[speaker.id] for speaker in speakers])
    print("language  chosen  alone  single  pair   chance  least apart")
    for tag in arguments.languages.split(","):
        table = kokoro().languages[tag]
        single = [name for name in (*table.female, *table.male) if sound_of(name)]
        likeness = heard @ np.stack([_direction(name) for name in single]).T
        together = match(table, speakers, prints).voices
        alone = {one.id: match(table, [one], prints).voices[one.id] for one in speakers}
        middle = [
            float(np.mean([prints[who] @ _direction(voice) for who, voice in of.items()])) for of in (together, alone)
        ]
        sexes = [[single.index(name) for name in names if name in single] for names in (table.female, table.male)]
        pair = max(likeness[:, [one, other]].max(axis=1).mean() for one in sexes[0] for other in sexes[1])
        sounds = [sound for name in together.values() if (sound := sound_of(name))]
        least = min(apart(one, other) for at, one in enumerate(sounds) for other in sounds[at + 1 :])
        figures = (*middle, float(likeness.max(axis=1).mean()), float(pair), float(likeness.mean()), least)
        print(f"{tag:8}" + "".join(f"{figure:8.3f}" for figure in figures), len(own_voices(table)["male"]))
        _speak(tag, dict(list(alone.items())[: arguments.spoken]), prints)


def _direction(name: str) -> NDArray[Any]:
    sound = sound_of(name)
    assert sound is not None
    return sound.direction


def _speak(tag: str, voices: dict[str, str], prints: dict[str, NDArray[Any]]) -> None:
    """What the table predicts, against what is spoken: a sentence in the language, of any voice."""
    backend = synthesizer("kokoro", {"all_languages": True})
    text = next(text for language, text in SENTENCES.values() if language == tag)
    for who, voice in voices.items():
        with tempfile.TemporaryDirectory() as folder:
            made = voice_of(backend.synthesize(text, voice, tag, Path(folder) / "voice.wav").audio)
        table = _direction(voice)
        print(f"          {who}: {voice} predicted {prints[who] @ table:.3f}, spoken {prints[who] @ made:.3f}")


if __name__ == "__main__":
    main()
