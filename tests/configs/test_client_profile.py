"""A client's profile file chooses among the operator's profiles, and changes what can do no harm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from configs.client_profile import ALLOWED, FILES, read_client_profile
from configs.profile import Profile, ProfileError, load_profile, merged, profile_names


def anywhere(file: str) -> str:
    return file


def read(folder: Path, text: str, name: str = "house.yaml") -> tuple[str | None, dict[str, Any]]:
    (folder / name).write_text(text)
    return read_client_profile(folder / name, anywhere)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("lipsync: {backend: wav2lip, options: {repo: code, models: code}}", "lipsync.backend"),
        ("lipsync: {options: {models: .}}", "lipsync.options"),
        ("separate: {options: {repo: weights}}", "separate.options"),
        ("transcribe: {backend: whisper, options: {model: ./x.pt}}", "transcribe.options"),
        ("diarize: {backend: fake}", "diarize.backend"),
        ("translate: {backend: llm, options: {url: 'http://far.example/v1'}}", "translate.backend"),
        ("translate: {fallbacks: [{backend: llm}]}", "translate.fallbacks"),
        ("translate: {options: {key_variable: AWS_SECRET_ACCESS_KEY}}", "translate.options"),
        ("synthesize: {backend: openai, options: {url: 'http://169.254.169.254/v1'}}", "synthesize.backend"),
        ("transcribe: {options: {url: 'http://inside', key_variable: OTHER_API_KEY}}", "transcribe.options"),
        ("synthesize: {takes: 8}", "synthesize.takes"),
        ("synthesize: {options: {model_path: x}}", "synthesize.options"),
        ("notify: {webhook_variable: PREFECT_API_AUTH_STRING}", "notify.webhook_variable"),
        ("notify: {mail: {host: far.example, sender: a, to: [b]}}", "notify.mail"),
        ("budget: {usd: 1000}", "budget.usd"),
        ("prices: {deepl: {characters: 0}}", "prices.deepl"),
        ("credentials: {key: /etc/key.pem, certificate: /etc/certificate.pem}", "credentials.key"),
        ("credentials: {trust: [mine.pem]}", "credentials.trust"),
        ("waivers: {drift_ms: never mind}", "waivers.drift_ms"),
        ("titles_at_once: 64", "titles_at_once"),
        ("commercial: false", "commercial"),
        ("lipsync: none", "lipsync"),
        ("'': {name: x}", "''.name"),
        ("mix: {ir: /etc/passwd}", "mix.ir"),
        ("anything: {}", "anything"),
    ],
)
def test_what_is_the_operators_is_refused_by_its_name(tmp_path: Path, text: str, setting: str) -> None:
    with pytest.raises(ProfileError, match=r"reserved to the operator") as caught:
        read(tmp_path, f"loudness: podcast\n{text}\n")
    assert repr(setting) in str(caught.value)
    assert "'house.yaml'" in str(caught.value)


def test_harmless_settings_change_the_operators_profile(tmp_path: Path) -> None:
    base, wanted = read(
        tmp_path,
        "extends: studio\nloudness: podcast\nsource_language: fr\npace: {line: 0.05}\n"
        "mix: {bed: ducked, room_db: -20}\n"
        "translate: {formality: formal, glossary: terms.csv}\n"
        "lipsync: {mode: syllable, lead_ms: 60, refine: true}\nheight: 720p\n"
        "synthesize: {lexicon: words.yaml}\nvoices: voices.yaml\n",
    )
    assert base == "studio"
    profile = load_profile(base, wanted)
    assert (profile.name, profile.loudness, profile.source_language) == ("house", "podcast", "fr")
    assert (profile.mix.bed, profile.mix.room_db, profile.pace.line) == ("ducked", -20, 0.05)
    assert (profile.lipsync.mode, profile.lipsync.lead_ms, profile.height) == ("syllable", 60, "720p")
    assert profile.lipsync.backend == load_profile("studio").lipsync.backend
    assert profile.translate.backend == load_profile("studio").translate.backend
    assert profile.translate.options == {"provider": "google"}
    assert profile.translate.glossary == str(tmp_path / "terms.csv")
    assert profile.synthesize.lexicon == str(tmp_path / "words.yaml")
    assert profile.voices == str(tmp_path / "voices.yaml")


@pytest.mark.parametrize("base", ["mine.yaml", "/etc/passwd", "../offline", "nowhere", "[offline]", "{a: b}", "7"])
def test_it_starts_from_a_profile_of_the_operators_by_name(tmp_path: Path, base: str) -> None:
    (tmp_path / "mine.yaml").write_text("lipsync: {backend: wav2lip}\n")
    with pytest.raises(ProfileError, match=r"extends: .* is not one of the operator's profiles"):
        read(tmp_path, f"extends: {base}\n")


def test_it_does_not_take_the_name_of_an_operators_profile(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="name: 'studio' is the operator's"):
        read(tmp_path, "extends: offline\nname: studio\n")
    with pytest.raises(ProfileError, match="name:"):
        read(tmp_path, "name: ../../x\n")
    assert read(tmp_path, "loudness: a85\n", "Mein Profil!.yaml")[1]["name"] == "Mein-Profil"


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 50_000,
        b"a: &a [x, x]\n" * 9000,
        b"\xff\xfe\x00",
        b"- a\n",
        b"",
        b"a: !!python/object/apply:os.system [id]",
        b"due: 9999-99-99",
        b"n: " + b"9" * 60_000,
        b"? [a, b]\n: c",
    ],
)
def test_what_is_no_profile_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(ProfileError, match=r"bad\.yaml"):
        read_client_profile(tmp_path / "bad.yaml", anywhere)


def test_every_setting_of_a_client_is_one_of_a_profile_and_takes_no_free_text() -> None:
    """Somebody who adds a setting that names a file, a program or an address cannot list it here unseen."""
    for table, names in ALLOWED.items():
        fields = Profile.model_fields
        if table:
            model = fields[table].annotation
            assert isinstance(model, type)
            assert issubclass(model, BaseModel)
            fields = model.model_fields
        for name in names - {"extends"}:
            told = fields[name].annotation
            checked = table == "" and name in (
                "name",
                "source_language",
                "scene",
                "loudness",
                "deliver",
            )  # by lists and patterns
            checked |= (table, name) == ("subtitles", "burn")  # languages
            assert checked or str not in (told, *get_args(told)), f"{table}.{name}"
    assert FILES.keys() <= ALLOWED.keys()


def test_an_operator_keeps_profiles_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "house.yaml").write_text("extends: fake\nlipsync: {backend: none}\nvoices: v.yaml\n")
    (tmp_path / "second.yaml").write_text("extends: house\nloudness: a85\n")
    (tmp_path / "offline.yaml").write_text("extends: fake\n")
    assert "house" not in profile_names()
    monkeypatch.setenv("POLYDUB_PROFILES", f"{tmp_path / 'none'}{os.pathsep}{tmp_path}")
    assert {"house", "second", "offline", "studio"} <= set(profile_names())
    second = load_profile("second")
    assert (second.name, second.loudness, second.lipsync.backend) == ("second", "a85", "none")
    assert second.voices == str(tmp_path / "v.yaml")
    assert load_profile("offline").translate.backend == "apertium"  # the packaged one is not replaced
    assert read(tmp_path / "..", "extends: second\n", "c.yaml")[0] == "second"


def test_flags_win_over_a_clients_file(tmp_path: Path) -> None:
    base, wanted = read(tmp_path, "extends: offline\nloudness: a85\nmix: {bed: ducked}\n")
    profile = load_profile(str(base), merged(wanted, {"loudness": "netflix"}))
    assert (profile.loudness, profile.mix.bed) == ("netflix", "ducked")
