"""Word error rate of a transcriber on the English clips of the test media.

    python -m benchmarks.transcribe_wer [--backend pocketsphinx] [--media FOLDER]

Substitutions, deletions and insertions over reference words, after lower-casing and removing punctuation.
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

from tasks.progress import silent
from tasks.transcribe import transcriber

#: Entries whose text describes the clip in other words ("as englishvideo", "L: ... / R: ...").
_DESCRIBED = {
    "_derived/grid_two_faces_alternating.mp4": "bin blue at f two now bin red by k seven now",
    "_derived/grid_wrong_audio.mp4": "bin blue at f two now",
    "_derived/englishvideo_plus_music.mp4": (
        "good morning my name is jordi mas i am from barcelona and i love this city"
    ),
}
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
    parser.add_argument("--backend", default="pocketsphinx")
    parser.add_argument("--options", type=json.loads, default={}, help="the backend's options as JSON")
    parser.add_argument("--media", type=Path, default=Path(os.environ.get("POLYDUB_MEDIA", beside)))
    arguments = parser.parse_args()
    backend = transcriber(arguments.backend, arguments.options)
    texts = json.loads((arguments.media / "transcripts.json").read_text("utf-8"))
    references, answers = [], []
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
            began = time.perf_counter()
            script = backend.transcribe(wav, "en", silent)
            seconds = time.perf_counter() - began
        answer = _NORMAL(" ".join(line.text for line in script.lines))
        references.append(reference)
        answers.append(answer)
        print(
            f"{100 * jiwer.wer(reference, answer):6.1f} %  {seconds:5.1f} s  {len(script.lines)} lines  {name}\n"
            f"            {answer}"
        )
    total = jiwer.process_words(references, answers)
    print(
        f"\n{100 * total.wer:.1f} % word error rate: {total.substitutions} substituted, {total.deletions} deleted, "
        f"{total.insertions} inserted of {sum(len(text.split()) for text in references)} words in {len(answers)} clips"
    )


if __name__ == "__main__":
    main()
