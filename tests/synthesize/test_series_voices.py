"""A series file: speakers are known again by name or voice, keep their voices, and parallel runs lose nobody."""

from __future__ import annotations

import base64
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from configs.profile import load_profile
from tasks.records.errors import BadInputError
from tasks.records.record import Asset
from tasks.records.script import Line, Script, Speaker
from tasks.records.title import Run, Title
from tasks.sound.voiceprints import same_voices, voiceprints
from tasks.synthesize.cast import cast_of, cast_title, recognised
from tasks.synthesize.kokoro import KokoroSynthesizer
from tasks.synthesize.series import Series, SeriesSpeaker, clip_of, locked_series, read_series, write_series
from tests.speech_media import clip_16k
from tests.synthesize.eleven_labs import KEY, eleven_labs

NOTHING = Asset(uri="/nowhere.wav", sha256="2" * 64, bytes=1)


def run(folder: Path, title: str = "one", languages: tuple[str, ...] = ("es", "fr"), **profile: object) -> Run:
    espeak = {"backend": "espeak"}
    chosen = load_profile("fake", {"voices": str(folder / "voices.yaml"), "synthesize": espeak, **profile})
    video = Asset(uri=f"/nowhere/{title}.mp4", sha256=(title[0] * 64), bytes=1)
    asked = Title(name=title, video=video, source=f"{title}.mp4", folder=str(folder / title), languages=languages)
    return Run(title=asked, profile=chosen, store=str(folder / "store")).branch(languages[0])


def script(*who: str) -> Script:
    lines = [
        Line(id=number, start_ms=3000 * number, end_ms=3000 * number + 2500, text="Words.", speaker=name)
        for number, name in enumerate(who)
    ]
    cast = [Speaker(id=name, pitch_hz=110.0 + 100 * (number % 2)) for number, name in enumerate(dict.fromkeys(who))]
    return Script(language="en", lines=tuple(lines), speakers=tuple(cast))


def coded(*heights: float) -> str:
    vector = np.zeros(256)
    vector[: len(heights)] = heights
    return base64.b64encode((vector / np.linalg.norm(vector)).astype("<f2").tobytes()).decode()


def test_a_named_speaker_keeps_her_voice_in_the_next_title(tmp_path: Path) -> None:
    first, second = script("Anna", "Ben"), script("Carla", "ANNA", "Ben")
    cast_title(run(tmp_path), first, NOTHING, NOTHING)
    before = cast_of(run(tmp_path), first).voices
    cast_title(run(tmp_path, "two"), second, NOTHING, NOTHING)
    after = cast_of(run(tmp_path, "two"), second).voices
    assert after["ANNA"] == before["Anna"]
    assert after["Ben"] == before["Ben"]
    assert len(set(after.values())) == 3  # Carla got a voice that nobody has
    assert set(read_series(tmp_path / "voices.yaml").speakers) == {"Anna", "Ben", "Carla"}


def test_running_a_title_again_changes_nothing(tmp_path: Path) -> None:
    lines = script("Anna", "Ben")
    cast_title(run(tmp_path), lines, NOTHING, NOTHING)
    text, facts = (tmp_path / "voices.yaml").read_text(), cast_of(run(tmp_path), lines).facts()
    cast_title(run(tmp_path, "two"), script("Carla"), NOTHING, NOTHING)
    cast_title(run(tmp_path), lines, NOTHING, NOTHING)
    assert cast_of(run(tmp_path), lines).facts() == facts  # another title's new speaker does not touch this one
    assert (tmp_path / "voices.yaml").read_text().startswith(text.rstrip()[:200])


def test_an_edited_voice_is_taken(tmp_path: Path) -> None:
    lines = script("Anna")
    cast_title(run(tmp_path), lines, NOTHING, NOTHING)
    path = tmp_path / "voices.yaml"
    values = yaml.safe_load(path.read_text())
    values["speakers"]["Anna"]["voices"] = {"espeak": {"es": "roa/es+Annie", "*": "roa/fr+f4"}}
    path.write_text(yaml.safe_dump(values))
    cast_title(run(tmp_path), lines, NOTHING, NOTHING)
    assert cast_of(run(tmp_path), lines).voices == {"Anna": "roa/es+Annie"}
    assert cast_of(run(tmp_path).branch("fr"), lines).voices == {"Anna": "roa/fr+f4"}


def test_the_remembered_pitch_chooses_a_voice_in_further_languages(tmp_path: Path) -> None:
    write_series(tmp_path / "voices.yaml", Series(speakers={"Anna": SeriesSpeaker(pitch_hz=220.0)}))
    cast_title(run(tmp_path), script("Anna"), NOTHING, NOTHING)  # in this title she sounds like 110 Hz
    assert "+f" in cast_of(run(tmp_path), script("Anna")).voices["Anna"]


def test_unnamed_speakers_are_known_by_voice_each_of_the_series_at_most_once() -> None:
    known = {"Anna": coded(1, 0), "Ben": coded(0, 1)}
    assert same_voices({"S1": coded(0.1, 1), "S2": coded(1, 0.1)}, known)["S1"][0] == "Ben"
    both = same_voices({"S1": coded(1, 0.3), "S2": coded(1, 0.05)}, {"Anna": coded(1, 0)})
    assert {who: name for who, (name, _) in both.items()} == {"S2": "Anna"}
    assert same_voices({"S1": coded(1, 1)}, {"Anna": coded(1, 0)}) == {}  # 0.29 apart


def test_who_is_new_is_appended_and_who_speaks_too_little_is_not() -> None:
    series = Series(speakers={"Anna": SeriesSpeaker(voiceprint=coded(1, 0)), "Speaker 2": SeriesSpeaker()})
    prints = {"S1": coded(1, 0.1), "S2": coded(0, 1)}
    after, names, notes = recognised(series, script("S1", "S2", "S3"), prints)
    assert names == {"S1": "Anna", "S2": "Speaker 3"}
    assert after.speakers["Speaker 3"].voiceprint == prints["S2"]
    assert any("S1 was recognised as Anna by voice" in note for note in notes)
    assert any("S3 speaks too little" in note for note in notes)


def test_a_name_wins_over_a_voice() -> None:
    series = Series(speakers={"Anna": SeriesSpeaker(voiceprint=coded(1, 0))})
    _, names, _ = recognised(series, script("Ben"), {"Ben": coded(1, 0)})
    assert names == {"Ben": "Ben"}


def test_real_voices_are_known_again_in_other_recordings(tmp_path: Path) -> None:
    def prints(name: str) -> str:
        audio = clip_16k(name, tmp_path)
        lines = Line(id=1, start_ms=0, end_ms=5000, text="words")
        (found,) = voiceprints(audio, Script(language="en", lines=(lines,))).values()
        return found.coded

    lj = "linly-dubbing/submodules/TTS/tests/data/ljspeech/wavs/LJ001-000"
    known = {"LJ": prints(f"{lj}1.wav"), "man": prints("librosa-data/audio/3436-172162-0000.hq.ogg")}
    heard = {"S1": prints("librosa-data/audio/198-209-0000.hq.ogg"), "S2": prints(f"{lj}3.wav")}
    assert {who: name for who, (name, _) in same_voices(heard, known).items()} == {"S2": "LJ"}


def _append(path: Path, name: str) -> None:
    for number in range(8):
        with locked_series(path):
            series = read_series(path)
            write_series(path, series.with_speaker(f"{name}{number}", SeriesSpeaker(pitch_hz=100)))


def test_runs_at_the_same_time_lose_nobody(tmp_path: Path) -> None:
    path = tmp_path / "voices.yaml"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_append, args=(path, name)) for name in "ABCD"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(read_series(path).speakers) == 32
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("speakers: {Anna: {voice: x}}", "Anna.voice"),
        ("speakers: {Anna: {voiceprint: AAAA}}", "not complete"),
        ("speakers: {Anna: {pitch_hz: high}}", "pitch_hz"),
        ("[a]", "voices.yaml"),
        ("speakers: {a", "not valid YAML"),
        ("speakers: 3", "speakers: Input should be a valid dictionary"),
        ("speakers: {1: {}}", r"speakers\.1"),
        ("speakers: {Anna: }", "speakers.Anna"),
        ("speakers: {Anna: {clip: 3}}", "Anna.clip"),
        ("speakers: {Anna: {pitch_hz: .inf}}", "pitch_hz"),
        ("speakers: {Anna: {pitch_hz: 2020-99-99}}", "not valid YAML"),
        ("speakers: {Anna: {voices: {espeak: [es]}}}", "voices.espeak"),
        ("speakers: {Anna: {voices: {espeak: {es: ../../x}}}}", "is not a valid voice name"),
        ("speakers: {Anna: {voices: {espeak: {es: /etc/passwd}}}}", "is not a valid voice name"),
        ("speakers: {? [a] : {}}", "not valid YAML"),
        ("speakers: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("[" * 2000, "not valid YAML"),
        (
            "speakers: {Anna: {voices: &v {espeak: {es: a}}}, Bob: {voices: *v}}",
            r"line 1: aliases \(\*\) are not accepted",
        ),
        ("speakers: {}\n" + "#" * (1 << 20), "longer than 1 MiB"),
    ],
)
def test_a_fault_in_the_file_is_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "voices.yaml").write_text(text)
    with pytest.raises(BadInputError, match=says):
        read_series(tmp_path / "voices.yaml")


def test_a_clip_that_is_gone_is_told(tmp_path: Path) -> None:
    lines = script("Anna")
    cast_title(run(tmp_path), lines, NOTHING, NOTHING)
    write_series(tmp_path / "voices.yaml", Series(speakers={"Anna": SeriesSpeaker(clip="gone.wav")}))
    with pytest.raises(BadInputError, match=r"Anna.*gone\.wav"):
        cast_of(run(tmp_path), lines)


@pytest.mark.parametrize("clip", ["../x.wav", "/etc/hostname", "clips/../../x.wav", "out.wav", "a\0b", "loop.wav"])
def test_a_clip_outside_of_the_files_folder_is_refused(tmp_path: Path, clip: str) -> None:
    home = tmp_path / "series"
    home.mkdir()
    (tmp_path / "x.wav").write_bytes(b"x")
    (home / "out.wav").symlink_to(tmp_path / "x.wav")
    (home / "loop.wav").symlink_to(home / "loop.wav")
    with pytest.raises(BadInputError, match="of Anna"):
        clip_of(home / "voices.yaml", "Anna", SeriesSpeaker(clip=clip))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    lost = run(tmp_path, voices=str(tmp_path / "none" / "voices.yaml"))
    with pytest.raises(BadInputError, match="cannot be kept"):
        cast_title(lost, script("Anna"), NOTHING, NOTHING)


def test_a_language_without_a_voice_leaves_the_others_alone(tmp_path: Path) -> None:
    both = run(tmp_path, languages=("tl", "es"))
    cast_title(both, script("Anna"), NOTHING, NOTHING)
    assert cast_of(both.branch("tl"), script("Anna")).voices == {}
    assert cast_of(both.branch("es"), script("Anna")).voices


def test_cloning_backends_remember_the_sample_of_the_first_title(tmp_path: Path) -> None:
    import json

    import soundfile

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({"model": "xtts"}))
    (tmp_path / "model" / "model.pth").write_bytes(b"")
    samples = np.random.default_rng(1).normal(0, 0.1, 16_000 * 10)
    soundfile.write(tmp_path / "dialogue.wav", samples, 16_000)
    dialogue = Asset(uri=str(tmp_path / "dialogue.wav"), sha256="3" * 64, bytes=1)
    chosen = {"backend": "coqui", "options": {"model_path": str(tmp_path / "model"), "device": "cpu"}}
    first, second = run(tmp_path, synthesize=chosen), run(tmp_path, "two", synthesize=chosen)
    cast_title(first, script("Anna"), NOTHING, dialogue)
    clip = cast_of(first, script("Anna")).clips["Anna"]
    assert clip.parent.name == "voices.clips"
    soundfile.write(tmp_path / "dialogue.wav", samples / 2, 16_000)  # another title
    cast_title(second, script("Anna"), NOTHING, dialogue)
    assert cast_of(second, script("Anna")).clips["Anna"] == clip


def test_a_voice_by_name_wins_over_cloning(tmp_path: Path) -> None:
    import json

    import soundfile

    from tasks.keep.store import store_at
    from tasks.records.progress import silent
    from tasks.step.run import Work
    from tasks.synthesize.task import open_session

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps({"model": "xtts"}))
    (tmp_path / "model" / "model.pth").write_bytes(b"")
    soundfile.write(tmp_path / "dialogue.wav", np.random.default_rng(1).normal(0, 0.1, 16_000 * 10), 16_000)
    dialogue = Asset(uri=str(tmp_path / "dialogue.wav"), sha256="3" * 64, bytes=1)
    chosen = {"backend": "coqui", "options": {"model_path": str(tmp_path / "model"), "device": "cpu"}}
    asked = run(tmp_path, synthesize=chosen)
    known = SeriesSpeaker(voices={"coqui": {"*": "Claribel Dervla"}})
    write_series(tmp_path / "voices.yaml", Series(speakers={"Anna": known}))
    lines = script("Anna", "Ben")
    cast_title(asked, lines, NOTHING, dialogue)
    session = open_session(asked, lines, dialogue, Work(tmp_path, silent, store_at(asked.store)))
    assert session.voices["Anna"] == "Claribel Dervla"
    assert session.voices["Ben"].startswith("clone of Ben")
    assert set(session.references) == {"Ben"}


def test_a_voice_that_a_service_cloned_is_remembered_for_every_language_and_title(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", KEY)
    soundfile.write(tmp_path / "anna.wav", np.full(24_000, 0.1), 24_000)
    write_series(tmp_path / "voices.yaml", Series(speakers={"Anna": SeriesSpeaker(clip="anna.wav")}))
    soundfile.write(tmp_path / "quiet.wav", np.zeros((48_000, 2)), 48_000)
    quiet = Asset(uri=str(tmp_path / "quiet.wav"), sha256="3" * 64, bytes=1)
    with eleven_labs() as (url, server):
        cloning = {"backend": "elevenlabs", "options": {"url": url, "clone": True}}
        for title in ("one", "two"):
            asked = run(tmp_path, title, synthesize=cloning)
            cast_title(asked, script("Anna"), quiet, quiet)
            assert cast_of(asked, script("Anna")).voices == {"Anna": "cloned0"}
            assert cast_of(asked.branch("ja"), script("Anna")).voices == {"Anna": "cloned0"}
        assert [one["path"] for one in server.asked].count("/v1/voices/add") == 1


def test_voices_by_likeness_are_remembered_and_no_two_of_a_series_are_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KokoroSynthesizer, "missing", lambda _self: [])
    rng = np.random.default_rng(2)
    soundfile.write(tmp_path / "speech.wav", 0.1 * rng.normal(size=16_000 * 9), 16_000)
    speech = Asset(uri=str(tmp_path / "speech.wav"), sha256="3" * 64, bytes=1)
    kokoro = {"synthesize": {"backend": "kokoro"}}
    first, second = script("Anna", "Ben"), script("Carla", "Ben", "Anna")
    cast_title(run(tmp_path, **kokoro), first, speech, speech)
    before = cast_of(run(tmp_path, **kokoro), first).voices
    cast_title(run(tmp_path, "two", **kokoro), second, speech, speech)
    after = cast_of(run(tmp_path, "two", **kokoro), second).voices
    assert {who: after[who] for who in before} == before
    assert len(set(after.values())) == 3
    assert set(read_series(tmp_path / "voices.yaml").speakers["Anna"].voices["kokoro"]) == {"es", "fr"}
