"""A title to try Polydub on, made on the spot from what the installed packages carry; no third-party media.

Narration by Kokoro, or by eSpeak NG where its weights are not here; a computed music bed; and scikit-image's
public-domain portrait (NASA) made to speak by the engine's own portrait path.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from flows.demo.music import RATE_HZ, music_bed
from tasks import media
from tasks.keep.staging import staged
from tasks.machine import process
from tasks.records.progress import Progress, silent
from tasks.records.script import Line, Script
from tasks.sound.loudness import measure_loudness
from tasks.words.subtitles import write_subtitles

NAME = "polydub-demo"
SENTENCES = (
    "Welcome to the demonstration of the program.",
    "This is a photograph that speaks many languages.",
    "A computer made this voice and this music.",
    "I speak English, but I can learn your language.",
)
_LANGUAGE, _VOICE = "en-US", "af_heart"
_VARIANT, _WORDS_A_MINUTE = "f3", 175  # of eSpeak NG
_LEAD_S, _PAUSE_S, _TAIL_S = 0.8, 0.95, 1.2
_FRAME_RATE = 25
#: Rows and columns of the portrait that are shown, head and shoulders, and the size they are brought to.
_ROWS, _COLUMNS, _SIZE = slice(0, 324), slice(12, 444), (960, 720)
_SPEECH_LUFS, _BED_BELOW_SPEECH_LU = -20.0, 16.0
_ANIMATE_DEADLINE_S = 1800.0
_SHARE = re.compile(r"^\w+:\s+(\d+)%")

#: IPA, start and end in milliseconds, stress.
Sound = tuple[str, int, int, int]


@dataclass(frozen=True)
class Narration:
    """Speech as float32 [N] at 48 kHz, a whole number of frames long, and when each sentence is spoken.

    ``phones``: on the title's clock. ``note``: why it is not spoken by Kokoro; empty where it is.
    """

    samples: NDArray[np.float32]
    lines: tuple[Line, ...]
    phones: tuple[Sound, ...] = ()
    note: str = ""

    @property
    def duration_ms(self) -> int:
        """Length of the title."""
        return len(self.samples) * 1000 // RATE_HZ


def make_demo_title(folder: Path, progress: Progress = silent, say: Callable[[str], None] = lambda _: None) -> Path:
    """Make the demo title: about 14 s, 960x720, 25 frames a second, English over music.

    Args:
        folder: where ``polydub-demo.mp4`` and its subtitles ``polydub-demo.en.srt`` go; made where missing.
        progress: called with the share that is done.
        say: called with each note.

    Returns:
        The video. It appears last, so that a folder that has it is complete.

    Raises:
        ProcessFailedError: the engine or ffmpeg failed; nothing is left behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    video = folder / f"{NAME}.mp4"
    with TemporaryDirectory(dir=folder, prefix=".demo") as name:
        scratch = Path(name)
        speech = narrate(scratch)
        if speech.note:
            say(speech.note)
        _write_sound(scratch, speech)
        _write_portrait(scratch / "portrait.png")
        progress(0.05)
        _animate(scratch, progress)
        write_subtitles(
            Script(language="en", lines=speech.lines), folder / f"{NAME}.en.srt", duration_ms=speech.duration_ms
        )
        _join(scratch / "picture.mp4", scratch / "mix.wav", speech.duration_ms, video)
    progress(1.0)
    return video


def narrate(folder: Path, sentences: Sequence[str] = SENTENCES) -> Narration:
    """Speak sentences, each with its true start and end in the title.

    Args:
        folder: for the sentences while they are spoken.
        sentences: what is said.
    """
    import soxr

    parts = [np.zeros(round(_LEAD_S * RATE_HZ), np.float32)]
    lines: list[Line] = []
    phones: list[Sound] = []
    speak, note = _narrator(folder)
    for number, sentence in enumerate(sentences, 1):
        samples, rate, sounds = speak(sentence)
        begin = sum(map(len, parts)) * 1000 // RATE_HZ
        timed = [(ipa, begin + start, begin + end, stress) for ipa, start, end, stress in sounds if ipa]
        lines.append(Line(id=number, start_ms=timed[0][1], end_ms=timed[-1][2], text=sentence))
        phones += timed
        parts.append(np.asarray(soxr.resample(samples, rate, RATE_HZ), np.float32))
        parts.append(np.zeros(round(_PAUSE_S * RATE_HZ), np.float32))
    parts.append(np.zeros(round((_TAIL_S - _PAUSE_S) * RATE_HZ), np.float32))
    samples = np.concatenate(parts)
    missing = -len(samples) % (RATE_HZ // _FRAME_RATE)
    return Narration(np.pad(samples, (0, missing)), tuple(lines), tuple(phones), note)


_Speak = Callable[[str], tuple[NDArray[np.float32], int, Sequence[Sound]]]


def _narrator(folder: Path) -> tuple[_Speak, str]:
    """Who speaks a sentence, as samples, their rate and phones; and why it is not Kokoro."""
    from tasks.synthesize import synthesizer

    kokoro = synthesizer("kokoro", {})
    if absent := kokoro.missing():
        return _by_espeak, f"The demo title is narrated by eSpeak NG, not by Kokoro: {absent[0]}"

    def by_kokoro(sentence: str) -> tuple[NDArray[np.float32], int, Sequence[Sound]]:
        import soundfile

        spoken = kokoro.synthesize(sentence, _VOICE, _LANGUAGE, folder / "sentence.wav")
        samples, rate = soundfile.read(str(spoken.audio), dtype="float32")
        return samples, rate, spoken.phones

    return by_kokoro, ""


def _by_espeak(sentence: str) -> tuple[NDArray[np.float32], int, Sequence[Sound]]:
    from lipsync_engine.speech.espeak import synthesize, voice_for

    spoken = synthesize(sentence, voice_for(_LANGUAGE, _VARIANT), rate_wpm=_WORDS_A_MINUTE)
    phones = [(phone.ipa, phone.start_ms, phone.end_ms, phone.stress) for phone in spoken.phones]
    return spoken.samples, spoken.sample_rate_hz, phones


def _write_sound(folder: Path, speech: Narration) -> None:
    """``speech.wav`` (what the engine hears), ``phones.json`` and ``mix.wav`` (speech over the bed)."""
    import soundfile

    voice = _levelled(np.repeat(speech.samples[:, None], 2, axis=1), _SPEECH_LUFS, folder)
    bed = _levelled(music_bed(len(voice) / RATE_HZ), _SPEECH_LUFS - _BED_BELOW_SPEECH_LU, folder)
    soundfile.write(folder / "speech.wav", voice, RATE_HZ, subtype="PCM_24")
    soundfile.write(folder / "mix.wav", voice + bed, RATE_HZ, subtype="PCM_24")
    names = ("ipa", "start_ms", "end_ms", "stress")
    rows = [dict(zip(names, phone, strict=True)) for phone in speech.phones]
    (folder / "phones.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")


def _levelled(sound: NDArray[np.float32], lufs: float, folder: Path) -> NDArray[np.float32]:
    """A sound, float32 [N, 2], at an integrated loudness."""
    import soundfile

    unlevelled = folder / "unlevelled.wav"
    soundfile.write(unlevelled, sound, RATE_HZ, subtype="FLOAT")
    gain_db = lufs - measure_loudness(unlevelled).integrated_lufs
    unlevelled.unlink()
    return sound * np.float32(10 ** (gain_db / 20))


def _write_portrait(path: Path) -> None:
    """Eileen Collins, NASA, 1993: the public-domain portrait that scikit-image carries."""
    import cv2
    from skimage import data

    portrait = cv2.resize(data.astronaut()[_ROWS, _COLUMNS], _SIZE, interpolation=cv2.INTER_LANCZOS4)
    cv2.imwrite(str(path), cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR))


def _animate(folder: Path, progress: Progress) -> None:
    """Make the portrait speak, in a process of its own: the tracker keeps its memory until the process ends."""
    command: list[str | Path] = [sys.executable, "-m", "lipsync_engine", "animate"]
    command += ["--image", folder / "portrait.png", "--audio", folder / "speech.wav"]
    command += ["--phones", folder / "phones.json", "--out", folder / "picture.mp4"]

    passes, before = 0, 0.0

    def listen(said: str) -> None:  # the engine counts to one twice: while it tracks, and while it renders
        nonlocal passes, before
        if found := _SHARE.match(said):
            share = int(found.group(1)) / 100
            passes += share < before
            before = share
            progress(min(0.95, 0.05 + 0.45 * (passes + share)))

    root = str(Path(__file__).parents[2])
    process.run(command, deadline_s=_ANIMATE_DEADLINE_S, env={"PYTHONPATH": root}, on_line=listen)


def _join(picture: Path, mix: Path, duration_ms: int, out: Path) -> None:
    """The animated picture as it is, with the mix as AAC."""
    streams = [media.source(picture)["v:0"], media.exactly(media.source(mix)["a:0"], duration_ms)]
    with staged(out) as temporary:
        graph = media.sink(
            streams, temporary, vcodec="copy", acodec="aac", audio_bitrate="192k", movflags="+faststart", f="mp4"
        )
        media.run_ffmpeg(graph)
