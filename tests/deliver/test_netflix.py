"""Sound and timed text apart: 5.1 where there is one, and what there is not is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.delivery import NetflixPreset, delivery_presets
from configs.loudness import loudness_presets
from tasks.deliver import sound
from tasks.deliver.netflix import Programme, pack
from tasks.keep.digests import file_sha256
from tasks.records.delivery import DeliveredDub
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.script import Line, Script
from tasks.sound.loudness import measure_loudness
from tasks.words.ttml import read_ttml

LENGTH_MS = 3000


def asset(path: Path) -> Asset:
    digest, size = file_sha256(path)
    return Asset(uri=str(path), sha256=digest, bytes=size)


def noise(path: Path, channels: int, level: float) -> Asset:
    samples = np.random.default_rng(1).normal(0, level, (48 * LENGTH_MS, channels))
    soundfile.write(path, samples, 48_000, "PCM_24", format="WAVEX" if channels > 2 else "WAV")
    return asset(path)


def a_dub(folder: Path, channels: int) -> DeliveredDub:
    script = Script(language="es-419", lines=(Line(id=1, start_ms=200, end_ms=2800, text="Buenos días & adiós."),))
    lines, words = folder / "script.json", folder / "script.srt"
    lines.write_text(script.model_dump_json())
    words.write_text("")
    return DeliveredDub(
        language="es-419",
        synthetic=True,
        audio=noise(folder / "a.wav", 2, 0.1),
        mix=noise(folder / "mix.wav", channels, 0.05),
        stems={"bed": noise(folder / "bed.wav", channels, 0.01), "dialogue": noise(folder / "d.wav", 2, 0.1)},
        script=asset(lines),
        srt=asset(words),
        vtt=asset(words),
    )


def packed(folder: Path, channels: int, *, filled: bool) -> tuple[dict[str, Path], dict[str, str], tuple[str, ...]]:
    rules = delivery_presets()["netflix"]
    assert isinstance(rules, NetflixPreset)
    facts = MediaFacts(container="mov", duration_ms=LENGTH_MS, picture=None, audio=())
    out = folder / "out"
    out.mkdir()
    dub = a_dub(folder, channels)
    of = Programme("talk", facts, filled)
    files, checks, notes = pack(dub, rules, loudness_presets()["netflix"], of, out)
    return files, {f"{one.name} {one.note.partition(':')[0]}": one.status for one in checks.gates}, notes


def test_surround_comes_with_its_stereo_at_the_loudness_of_dialogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "speech_in", lambda *_: ((200, 2800),))  # noise is no speech
    files, gates, notes = packed(tmp_path, 6, filled=True)
    names = ("talk_es-419_5.1.wav", "talk_es-419_2.0.wav", "talk_es-419_ME_5.1.wav", "talk_es-419.xml")
    assert set(files) == set(names)
    for name, channels in zip(names[:3], (6, 2, 6), strict=True):
        found = soundfile.info(str(files[name]))
        assert (found.channels, found.samplerate, found.subtype) == (channels, 48_000, "PCM_24")
        assert found.frames == 48 * LENGTH_MS
    for name in names[:2]:
        assert gates[f"loudness_lu {name}"] == gates[f"true_peak_dbtp {name}"] == "pass"
        heard = measure_loudness(files[name])  # of steady noise, the dialogue's is the whole's
        assert heard.integrated_lufs == pytest.approx(-27, abs=2)
    bed, _ = soundfile.read(files[names[2]])
    came, _ = soundfile.read(tmp_path / "bed.wav")
    assert np.array_equal(bed, came)  # M&E is left as it came
    assert not notes


def test_a_stereo_title_has_no_surround_and_a_separated_bed_is_no_me(tmp_path: Path) -> None:
    files, _, notes = packed(tmp_path, 2, filled=False)
    assert set(files) == {"talk_es-419_2.0.wav", "talk_es-419_separated-bed_2.0.wav", "talk_es-419.xml"}
    assert any("There is no 5.1" in note for note in notes)
    assert any("no filled M&E" in note for note in notes)
    read = read_ttml(files["talk_es-419.xml"].read_bytes())
    assert (read.language, [one.text for one in read.paragraphs]) == ("es-419", ["Buenos días & adiós."])
