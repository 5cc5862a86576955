"""A client's M&E is checked against the title's own sound: mended within bounds, gated, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from configs.sound import IngestSettings
from tasks import media
from tasks.keep.store import store_at
from tasks.media.probe import probe
from tasks.qc.client_bed import bed_figures
from tasks.qc.gates import judge
from tasks.records.errors import BadInputError
from tasks.records.progress import Progress, silent
from tasks.records.record import Asset
from tasks.separate import Separator
from tasks.separate.client_bed import Taken, take_client_bed
from tasks.separate.task import _Given, _separated
from tasks.separate.title_sound import TitleSound
from tasks.step.run import Work
from tests.clips import RATE, clip

Sound = NDArray[np.float64]
SECONDS = 12
SPEECH = ((1000, 3500), (6000, 8500))
SETTINGS = IngestSettings(furthest_s=3.0)


def effects(seed: int) -> Sound:
    """Struck tones at odd times, which never repeat, over a little noise."""
    random = np.random.default_rng(seed)
    sound = random.normal(0, 0.001, SECONDS * RATE)
    at = 0.0
    while at < SECONDS - 0.4:
        time = np.arange(int(random.uniform(0.08, 0.3) * RATE)) / RATE
        struck = random.uniform(0.05, 0.2) * np.sin(2 * np.pi * random.uniform(150, 3000) * time) * np.exp(-8 * time)
        sound[int(at * RATE) : int(at * RATE) + len(time)] += struck
        at += random.uniform(0.05, 0.25)
    return sound


BED = np.stack([effects(3), effects(4)], axis=1)
VOICE = np.zeros((SECONDS * RATE, 2))
for _start, _end in SPEECH:
    VOICE[_start * 48 : _end * 48] = np.random.default_rng(5).normal(0, 0.08, ((_end - _start) * 48, 1))


def write(path: Path, sound: Sound) -> Path:
    soundfile.write(path, sound, RATE, subtype="PCM_24")
    return path


@pytest.fixture(scope="module")
def title(tmp_path_factory: pytest.TempPathFactory) -> TitleSound:
    """A title with music and effects all through, and what a fair separation leaves of them."""
    folder = tmp_path_factory.mktemp("title")
    whole = write(folder / "whole.wav", BED + VOICE)
    return TitleSound(whole, write(folder / "bed.wav", 0.95 * BED + 0.08 * VOICE), SPEECH, SECONDS * 1000, 2)


def late(seconds: float, sound: Sound = BED) -> Sound:
    return np.vstack([np.zeros((int(seconds * RATE), 2)), sound])


def taken(title: TitleSound, folder: Path, sound: Sound, settings: IngestSettings = SETTINGS) -> Taken:
    return take_client_bed(write(folder / "given.wav", sound), title, settings, (), folder / "bed.wav")


def statuses(made: Taken) -> dict[str, str]:
    return {name: judge(name, figure).status for name, figure in bed_figures(made.bed).items()}


def unlike_db(laid: Path) -> float:
    """Power of what differs from the bed as it should lie, against its own; without the ends."""
    apart = soundfile.read(laid)[0] - BED
    middle = slice(2 * RATE, -2 * RATE)
    return float(10 * np.log10((apart[middle] ** 2).mean() / (BED[middle] ** 2).mean() + 1e-12))


def test_a_bed_that_runs_with_the_title_is_left_as_it_is(title: TitleSound, tmp_path: Path) -> None:
    made = taken(title, tmp_path, BED)
    facts = probe(tmp_path / "given.wav")
    media.extract_audio(tmp_path / "given.wav", facts, None, tmp_path / "plain.wav")
    assert (tmp_path / "bed.wav").read_bytes() == (tmp_path / "plain.wav").read_bytes()
    assert made.notes == ("The bed is the client's M&E, not a separated one.",)
    assert set(statuses(made).values()) == {"pass"}
    assert made.bed.found == 1.0
    assert made.bed.level_lu == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("shift_s", [0.7, -0.3])
def test_a_bed_that_is_late_or_early_is_moved(title: TitleSound, tmp_path: Path, shift_s: float) -> None:
    made = taken(title, tmp_path, late(shift_s) if shift_s > 0 else BED[int(-shift_s * RATE) :])
    assert made.bed.shift_ms == pytest.approx(1000 * shift_s, abs=0.2)
    assert made.bed.offset_ms == pytest.approx(0, abs=5)
    assert unlike_db(tmp_path / "bed.wav") < -15
    assert f"{abs(shift_s):.3f} s {'late' if shift_s > 0 else 'early'}" in made.notes[1]
    assert statuses(made)["bed_offset_ms"] == "pass"


def test_a_bed_at_another_frame_rates_speed_is_resampled(title: TitleSound, tmp_path: Path) -> None:
    made = taken(title, tmp_path, late(0.5, soxr.resample(BED, RATE, RATE * 24 / 25)))
    assert made.bed.slowness == pytest.approx(24 / 25, abs=2e-4)
    assert made.bed.pitch == "followed"
    assert made.bed.offset_ms == pytest.approx(0, abs=10)
    assert unlike_db(tmp_path / "bed.wav") < -6
    assert "104.1667%" in made.notes[1]
    assert set(statuses(made).values()) == {"pass"}


def test_a_bed_that_ends_where_the_title_still_sounds_is_refused(title: TitleSound, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"'given.wav' ends at 6.00 s of the title's 12.00 s: 6.00 s") as refused:
        taken(title, tmp_path, BED[: 6 * RATE])
    assert "bed_length_ms" in refused.value.fix
    accepted = take_client_bed(tmp_path / "given.wav", title, SETTINGS, ["bed_length_ms"], tmp_path / "bed.wav")
    assert soundfile.info(str(tmp_path / "bed.wav")).frames == SECONDS * RATE
    assert statuses(accepted)["bed_length_ms"] == "fail"


@pytest.mark.parametrize(("short_s", "status"), [(0.3, "pass"), (0.9, "warn")])
def test_a_short_end_becomes_silence_and_is_told(
    title: TitleSound, tmp_path: Path, short_s: float, status: str
) -> None:
    made = taken(title, tmp_path, BED[: -int(short_s * RATE)])
    assert soundfile.info(str(tmp_path / "bed.wav")).frames == SECONDS * RATE
    assert f"ends {short_s:.2f} s before the title" in made.notes[1]
    assert statuses(made)["bed_length_ms"] == status


def test_a_title_that_ends_in_silence_needs_no_bed_there(title: TitleSound, tmp_path: Path) -> None:
    quiet = BED.copy()
    quiet[8 * RATE :] = 0
    whole, own = write(tmp_path / "whole.wav", quiet + VOICE), write(tmp_path / "own.wav", quiet)
    ending = TitleSound(whole, own, SPEECH, SECONDS * 1000, 2)
    made = taken(ending, tmp_path, quiet[: 9 * RATE])
    assert statuses(made)["bed_length_ms"] == "pass"
    assert "3.00 s before the title" in made.notes[1]


@pytest.mark.parametrize(("gain_db", "status"), [(-20, "fail"), (-4, "warn"), (2, "pass")])
def test_a_bed_of_another_level_is_gated(title: TitleSound, tmp_path: Path, gain_db: int, status: str) -> None:
    made = taken(title, tmp_path, BED * 10 ** (gain_db / 20), IngestSettings(clock="trust"))
    assert made.bed.level_lu == pytest.approx(gain_db, abs=0.3)
    assert statuses(made)["bed_level_lu"] == status


def test_one_channel_goes_to_both_sides_at_full_level(title: TitleSound, tmp_path: Path) -> None:
    mono = BED.mean(axis=1)
    made = taken(title, tmp_path, mono, IngestSettings(clock="trust"))
    laid = soundfile.read(tmp_path / "bed.wav")[0]
    assert np.abs(laid - mono[:, None]).max() < 1e-5
    assert "one channel" in made.notes[1]
    assert statuses(made)["bed_channels"] == "warn"


def test_another_titles_bed_is_found_out(title: TitleSound, tmp_path: Path) -> None:
    made = taken(title, tmp_path, np.stack([effects(13), effects(14)], axis=1))
    assert (made.bed.found or 0) < 0.2
    assert statuses(made)["bed_found"] == "fail"
    assert "were not found" in made.notes[1]


def test_a_bed_of_another_edit_is_found_out(title: TitleSound, tmp_path: Path) -> None:
    cut = np.vstack([BED[: 5 * RATE], BED[5 * RATE + 14_400 :], np.zeros((14_400, 2))])
    made = taken(title, tmp_path, cut)
    assert statuses(made)["bed_offset_ms"] == "fail"


def test_a_hole_in_the_bed_is_found_out(title: TitleSound, tmp_path: Path) -> None:
    holed = BED.copy()
    holed[8500 * 48 :] = 0
    made = taken(title, tmp_path, holed, IngestSettings(clock="trust"))
    assert made.bed.missing_ms == pytest.approx(3000, abs=500)
    assert statuses(made)["bed_missing_ms"] == "warn"


class Halves:
    """A separation that says what it cannot do."""

    def separate(self, mix: Path, dialogue: Path, bed: Path, progress: Progress) -> tuple[str, ...]:
        for stem in (dialogue, bed):
            shutil.copy(mix, stem)
        return ("Classical separation leaves audible dialogue in the bed.",)


def test_with_a_clients_bed_nobody_speaks_of_a_separated_one(tmp_path: Path) -> None:
    video, bed = clip(tmp_path / "title.mkv", seconds=1), write(tmp_path / "given.wav", BED[:RATE])
    film, given = (Asset(uri=str(path), sha256="0" * 64, bytes=path.stat().st_size) for path in (video, bed))
    work = Work(tmp_path, silent, store_at(str(tmp_path / "store")))
    backend = cast("Separator", Halves())
    own = _separated(_Given(film, probe(video), None, None, (), backend), work)
    made = _separated(_Given(film, probe(video), given, None, (), backend), work)
    assert "Classical" in own.notes[0]
    assert own.value.client_bed is None
    assert made.notes[0] == "The bed is the client's M&E, not a separated one."
    assert not any("Classical" in note for note in made.notes)
    assert made.value.client_bed is not None


def test_what_cannot_be_compared_says_so(title: TitleSound, tmp_path: Path) -> None:
    voices = write(tmp_path / "voices.wav", VOICE)
    talk = TitleSound(voices, write(tmp_path / "nothing.wav", 0 * VOICE), SPEECH, SECONDS * 1000, 2)
    figures = bed_figures(taken(talk, tmp_path, BED).bed)
    assert (figures["bed_found"].value, figures["bed_level_lu"].value) == (None, None)
    assert "no music or effects" in figures["bed_offset_ms"].note
