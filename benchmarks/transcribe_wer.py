"""Word error rate of a transcriber on the English clips of the test media.

    python -m benchmarks.transcribe_wer [--backend pocketsphinx] [--media FOLDER]

Without --backend, of the one that the `offline` profile chooses. Substitutions, deletions and insertions over reference
words, after lower-casing and removing punctuation: of all clips, and of those that are read speech (no music, no film).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import jiwer
import soundfile

from configs.profile import load_profile
from tasks.records.progress import silent
from tasks.transcribe import listening, transcriber

#: Entries whose text describes the clip in other words ("as englishvideo", "L: ... / R: ...").
_DESCRIBED = {
    "_derived/grid_two_faces_alternating.mp4": "bin blue at f two now bin red by k seven now",
    "_derived/grid_wrong_audio.mp4": "bin blue at f two now",
    "_derived/englishvideo_plus_music.mp4": (
        "good morning my name is jordi mas i am from barcelona and i love this city"
    ),
}
#: Folders of sentences that somebody read into a microphone.
_READ = ("/ljspeech/", "/librivox/", "speechbrain/", "picovoice-leopard/")
_NORMAL = jiwer.Compose(
    [
        jiwer.ToLowerCase(),
        jiwer.SubstituteRegexes({r"\bmr\b\.?": "mister", "-": " "}),
        jiwer.RemovePunctuation(),
        jiwer.RemoveMultipleSpaces(),
        jiwer.Strip(),
    ]
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).parents[2] / "shared" / "media"
    parser.add_argument("--backend", help="instead of the one of the offline profile")
    parser.add_argument("--options", type=json.loads, default={}, help="the backend's options as JSON")
    parser.add_argument("--media", type=Path, default=Path(os.environ.get("POLYDUB_MEDIA", beside)))
    arguments = parser.parse_args()
    if arguments.backend:
        backend = transcriber(arguments.backend, arguments.options)
    else:
        chosen = listening(load_profile("offline").transcribe, "en")
        backend = chosen.backend
        print("\n".join((f"heard by {backend.facts.name}", *chosen.notes)))
    texts = json.loads((arguments.media / "transcripts.json").read_text("utf-8"))
    said: dict[str, tuple[str, str]] = {}
    heard_s = spoken_s = 0.0
    for name, entry in texts.items():
        if entry["lang"] != "en":
            continue
        reference = _NORMAL(_DESCRIBED.get(name, entry["text"]))
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "speech.wav"
            command = [
                "ffmpeg",
                "-v",
                "error",
                "-i",
                arguments.media / name,
                "-map",
                "0:a:0",
                "-ac",
                "1",
                "-ar",
                "16000",
                wav,
            ]
            subprocess.run(list(map(str, command)), check=True)
            spoken_s += soundfile.info(wav).duration
            began = time.perf_counter()
            script = backend.transcribe(wav, "en", silent)
            seconds = time.perf_counter() - began
        answer = _NORMAL(" ".join(line.text for line in script.lines))
        said[name] = reference, answer
        heard_s += seconds
        print(
            f"{100 * jiwer.wer(reference, answer):6.1f} %  {seconds:5.1f} s  {len(script.lines)} lines  {name}\n"
            f"            {answer}"
        )
    print()
    _total("all", list(said.values()))
    _total("read speech", [pair for name, pair in said.items() if any(folder in name for folder in _READ)])
    print(f"{heard_s / spoken_s:.2f} s of this machine a second of sound")


def _total(which: str, said: list[tuple[str, str]]) -> None:
    references, answers = map(list, zip(*said, strict=True))
    of = jiwer.process_words(references, answers)
    words = sum(len(text.split()) for text in references)
    print(
        f"{which}: {100 * of.wer:.1f} % word error rate: {of.substitutions} substituted, {of.deletions} deleted, "
        f"{of.insertions} inserted of {words} words in {len(said)} clips"
    )


if __name__ == "__main__":
    main()
