"""Profiles: bundled ones load, files extend them, variables and flags override, faults are named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.languages import LanguageError, iso639_2, parse_language
from configs.loudness import loudness_presets
from configs.profile import ProfileError, load_profile, profile_names


@pytest.mark.parametrize("name", ["offline", "studio", "commercial", "fake"])
def test_a_bundled_profile_loads(name: str) -> None:
    assert name in profile_names()
    assert load_profile(name).name == name


def test_a_file_extends_a_bundled_profile(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: offline\nloudness: podcast\ntranslate: {backend: deep-translator}\n")
    profile = load_profile(str(tmp_path / "mine.yaml"))
    assert (profile.name, profile.loudness, profile.translate.backend) == ("mine", "podcast", "deep-translator")
    assert profile.synthesize.backend == "kokoro"


def test_variables_override_the_file_and_flags_override_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYDUB_LOUDNESS", "a85")
    monkeypatch.setenv("POLYDUB_LIPSYNC__BACKEND", "none")
    assert load_profile("offline").loudness == "a85"
    assert load_profile("offline").lipsync.backend == "none"
    assert load_profile("offline", {"loudness": "netflix"}).loudness == "netflix"


def test_another_backend_does_not_inherit_the_first_ones_options() -> None:
    assert load_profile("studio").translate.options == {"provider": "google"}
    assert load_profile("studio", {"translate": {"backend": "apertium"}}).translate.options == {}


def test_translators_that_stand_in_are_named_or_configured(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "extends: studio\ntranslate:\n  backend: deepl\n  formality: formal\n  glossary: terms.csv\n"
        "  fallbacks: [apertium, {backend: libretranslate, options: {url: 'http://127.0.0.1:5000'}}]\n"
    )
    chosen = load_profile(str(tmp_path / "mine.yaml")).translate
    assert [one.backend for one in chosen.fallbacks] == ["apertium", "libretranslate"]
    assert chosen.fallbacks[1].options == {"url": "http://127.0.0.1:5000"}
    assert chosen.options == {}  # the provider was the other backend's
    assert chosen.glossary == str(tmp_path / "terms.csv")
    switched = load_profile(str(tmp_path / "mine.yaml"), {"translate": {"backend": "apertium"}}).translate
    assert (switched.backend, switched.formality, switched.glossary) == ("apertium", "formal", chosen.glossary)


def test_the_pace_of_voices_has_bounds() -> None:
    assert load_profile("offline", {"pace": {"line": 0.05}}).pace.line == 0.05
    with pytest.raises(ProfileError, match=r"pace\.fastest"):
        load_profile("offline", {"pace": {"fastest": 3.0}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: offline\nloudnes: x\n", "loudnes"),
        ("extends: offline\ntranslate: {formality: rude}\n", "formality"),
        ("extends: offline\ntranslate: {fallbacks: deepl}\n", "fallbacks"),
        ("extends: offline\nloudness: loud\n", "no loudness preset"),
        ("extends: nowhere\n", "no profile 'nowhere'"),
        ("[]", "table of settings"),
        ("a: [", "not valid YAML"),
        ("extends: offline\nfit: {fastest: 9}\n", "fit.fastest"),
        ("name: bare\n", "separate"),
    ],
)
def test_a_fault_in_a_profile_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(ProfileError, match=said):
        load_profile(str(tmp_path / "p.yaml"))


def test_a_profile_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "loop.yaml"
    path.write_text(f"extends: {path}\n")
    with pytest.raises(ProfileError, match="extends itself"):
        load_profile(str(path))


@pytest.mark.parametrize(
    ("tag", "canonical"), [("es", "es"), ("PT_br", "pt-BR"), ("zh-hans", "zh-Hans"), ("es-419", "es-419")]
)
def test_language_tags_become_canonical(tag: str, canonical: str) -> None:
    assert parse_language(tag) == canonical


@pytest.mark.parametrize("tag", ["", "deutsch", "xx", "e", "es_ES_x_y_z_!", "../es", "mul", "und", "es fr"])
def test_what_is_no_language_is_refused(tag: str) -> None:
    with pytest.raises(LanguageError, match="BCP-47"):
        parse_language(tag)


@given(st.text(max_size=12))
def test_any_text_is_a_language_or_refused(text: str) -> None:
    with contextlib.suppress(LanguageError):
        assert parse_language(parse_language(text)) == parse_language(text)


def test_containers_get_three_letters() -> None:
    assert (iso639_2("fr"), iso639_2("fr", bibliographic=True), iso639_2("pt-BR")) == ("fra", "fre", "por")


def test_presets_carry_the_published_targets() -> None:
    presets = loudness_presets()
    assert {name: preset.integrated_lufs for name, preset in presets.items()} == {
        "r128": -23,
        "a85": -24,
        "netflix": -27,
        "streaming": -14,
        "podcast": -16,
    }


def test_a_profile_that_nests_without_end_is_refused_as_one(tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text("fit: " + "[\n" * 5000)
    with pytest.raises(ProfileError, match="is not valid YAML"):
        load_profile(str(tmp_path / "deep.yaml"), {})
