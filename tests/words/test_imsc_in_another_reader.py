"""What is written is read by imscJS, the reader of the W3C's group, without a complaint."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from fractions import Fraction
from pathlib import Path

import pytest

from tasks.words.cues import Cue
from tasks.words.imsc import write_ebuttd, write_imsc

READER = "imsc@1.1.5"
SCRIPT = """
globalThis.navigator ??= {userAgent: ''};
globalThis.window = {getComputedStyle: () => ({})};
globalThis.document = {documentElement: {}};
const imsc = require('./imsc.js'), fs = require('fs'), said = [];
const note = Object.fromEntries(['info', 'warn', 'error', 'fatal'].map(k => [k, m => { said.push(`${k}: ${m}`) }]));
const words = n => n.text ?? (n.kind === 'br' ? '\\n' : (n.contents ?? []).map(words).join(''));
const film = imsc.fromXML(fs.readFileSync(process.argv[2], 'utf8'), note);
const shown = film.getMediaTimeEvents().map(t => [t, imsc.generateISD(film, t, note).contents.map(words).join('')]);
console.log(JSON.stringify({shown, said}));
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the reader and a script that asks it what is shown when."""
    folder = tmp_path_factory.mktemp("imsc")
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm brings imscJS, and node runs it")
    subprocess.run([npm, "pack", "--silent", READER], cwd=folder, check=True, capture_output=True, timeout=120)
    with tarfile.open(next(folder.glob("imsc-*.tgz"))) as archive:
        script = archive.extractfile("package/dist/imsc.all.min.js")
        assert script is not None
        (folder / "imsc.js").write_bytes(script.read())
    (folder / "read.js").write_text(SCRIPT)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("language", ["es", "ar", "ja"])
@pytest.mark.parametrize("write", [write_imsc, write_ebuttd])
def test_another_reader_shows_the_same_words_at_the_same_times(reader: Path, write: object, language: str) -> None:
    cues = [Cue(0, 1500, ("¿Qué <b>& tú</b>?", "مرحبا (1)"), 0), Cue(3_723_004, 3_725_000, ("「東京」",), 1)]
    assert callable(write)
    (reader / "film.xml").write_bytes(write(cues, language, Fraction(24000, 1001), (1080, 1920), title="Film"))
    said = subprocess.run(
        ["node", "read.js", "film.xml"], cwd=reader, check=True, capture_output=True, text=True
    ).stdout
    assert json.loads(said) == {
        "shown": [[0, "¿Qué <b>& tú</b>?\nمرحبا (1)"], [1.5, ""], [3723.004, "「東京」"], [3725, ""]],
        "said": [],
    }
