"""What credentials say is what was done: synthetic where a machine spoke or drew, and a recording where it is one."""

from __future__ import annotations

import datetime
import json

import pytest

from flows.dub.preset_parts import parts_of
from tasks.records.step_record import StepUse
from tasks.records.title import Consent
from tasks.sign.statement import ASSERTION, Dubbing, Making, Role, actions, making, manifest
from tasks.step.table import Way

KOKORO = Making("synthesize", ("kokoro",), {"onnxruntime": "1.23"}, trained=True)
ESPEAK = Making("synthesize", ("espeak",), {"espeakng-loader": "0.2.4"}, trained=False)
NATIVE = Making("lipsync", ("native",), {"polydub": "0.1.0"}, trained=True)
APERTIUM = Making("translate", ("apertium",), {"apertium": "3.8.3"}, trained=True)
HEYGEN = Making("translate-film", ("heygen",), {}, trained=True)


def dub(way: Way = "spoken", *makings: Making, language: str = "es", **facts: bool) -> Dubbing:
    told = {"brought": False, "mouths": False, "finished": False, **facts}
    return Dubbing(language, way, **told, makings=makings)


def types(role: Role, *dubs: Dubbing, brought: tuple[str, ...] = ("source",)) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for action in actions(role, dubs, "en", brought):
        kind = action.get("digitalSourceType", "").rpartition("/")[2]
        found.setdefault(action["action"].removeprefix("c2pa."), []).append(kind)
    return found


def test_speech_of_a_model_makes_a_composite_with_trained_media_and_its_stem_is_nothing_else() -> None:
    spoken = dub("spoken", APERTIUM, KOKORO)
    assert types("master", spoken)["dubbed"] == ["compositeWithTrainedAlgorithmicMedia"]
    assert types("dialogue", spoken)["dubbed"] == ["trainedAlgorithmicMedia"]
    assert types("master", spoken)["edited"] == [""]  # the mix


def test_speech_by_rule_is_synthetic_and_not_called_trained() -> None:
    assert types("master", dub("spoken", ESPEAK))["dubbed"] == ["compositeSynthetic"]
    assert types("dialogue", dub("spoken", ESPEAK))["dubbed"] == ["algorithmicMedia"]


def test_a_recording_without_lip_sync_is_nowhere_called_synthetic_and_says_so() -> None:
    recorded = dub("recorded", APERTIUM)
    for role in ("master", "mix", "dialogue", "multi"):
        told = types(role, recorded, brought=("source", "recording-es"))  # type: ignore[arg-type]
        assert {kind for kinds in told.values() for kind in kinds} == {""}, role
        assert told["placed"] == [""]
    assert "No speech was synthesised." in json.dumps(actions("master", [recorded], "en"))
    facts = manifest(
        "a.mp4", "video/mp4", "master", [recorded], spoken="en", source_sha256="0", consent=(), invented=False
    )["assertions"][1]["data"]
    assert (facts["synthetic_speech"], facts["altered_picture"]) == (False, False)


def test_mouths_that_were_drawn_are_told_whoever_speaks() -> None:
    for way in ("spoken", "recorded"):
        told = types("master", dub(way, KOKORO, NATIVE, mouths=True))  # type: ignore[arg-type]
        assert told["edited"][0] == "compositeWithTrainedAlgorithmicMedia"
    assert types("master", dub("spoken", NATIVE, finished=True))["edited"][0] == "algorithmicallyEnhanced"
    assert types("mix", dub("spoken", KOKORO, NATIVE, mouths=True))["edited"] == [""]  # no picture is in it


def test_a_service_translates_speaks_and_draws() -> None:
    told = actions("master", [dub("service", HEYGEN, mouths=True)], "en")
    assert [one["softwareAgent"]["name"] for one in told if "softwareAgent" in one] == ["heygen"] * 3


def test_every_language_of_the_multi_track_master_is_told_and_its_picture_is_the_sources() -> None:
    told = types("multi", dub("spoken", KOKORO, mouths=True), dub("recorded", APERTIUM, language="fr"))
    assert told["translated"] == ["", ""]
    assert told["dubbed"] == ["compositeWithTrainedAlgorithmicMedia", ""]
    assert told["edited"] == [""]


def test_a_translation_that_was_brought_names_no_machine() -> None:
    told = actions("master", [dub("spoken", KOKORO, brought=True)], "en")
    translated = next(one for one in told if one["action"] == "c2pa.translated")
    assert "softwareAgent" not in translated
    assert "the client brought" in translated["description"]


def test_the_bed_holds_no_speech_and_begins_as_the_clients_where_they_brought_it() -> None:
    assert set(types("bed", dub("spoken", KOKORO))) == {"opened", "edited"}
    opened = actions("bed", [dub("spoken", KOKORO)], "en", ("bed",))[0]
    assert opened["parameters"] == {"ingredientIds": ["bed"]}


def test_of_an_agreement_the_reference_is_told_and_never_the_person() -> None:
    agreed = Consent(
        who="Anna Example",
        what=("voice", "face"),
        when=datetime.date(2026, 10, 1),
        scope="dubbing of her talk",
        titles=("talk",),
        reference="C-2026-117",
    )
    told = manifest(
        "a.mp4",
        "video/mp4",
        "master",
        [dub("spoken", KOKORO)],
        spoken="en",
        source_sha256="0",
        consent=(agreed, agreed.model_copy(update={"reference": ""})),
        invented=False,
    )
    facts = next(one["data"] for one in told["assertions"] if one["label"] == ASSERTION)
    assert facts["consent"] == [
        {"reference": "C-2026-117", "covers": ["face", "voice"]},
        {"reference": "not given", "covers": ["face", "voice"]},
    ]
    assert not any(secret in json.dumps(told) for secret in ("Anna", "her talk", "2026-10-01"))


@pytest.mark.parametrize(
    ("maker", "trained"),
    [
        ({"name": "espeak", "weights_licence": "none"}, False),
        ({"name": "kokoro", "weights_licence": "Apache-2.0"}, True),
        ({"name": "elevenlabs", "weights_licence": "none", "service": True}, True),
    ],
)
def test_a_service_counts_as_a_trained_model(maker: dict[str, object], trained: bool) -> None:
    made = making(StepUse(step="synthesize", seconds=1, reused=False, key="0"), {"makers": [maker], "versions": {}})
    assert made is not None
    assert made.trained is trained
    assert making(StepUse(step="synthesize", seconds=1, reused=False, key="0"), None) is None


def test_what_each_file_of_a_preset_holds() -> None:
    tags = ("es", "pt-BR")
    places = ["talk.es.mov", "stems/talk.es.dialogue.wav", "stems/talk.pt-BR.bed.wav", "talk.pt-BR.flac"]
    told = parts_of(places, "talk", tags, shared=False, kind="broadcast")
    assert [(part.role, part.languages) for part in told.values()] == [
        ("master", ("es",)),
        ("dialogue", ("es",)),
        ("bed", ("pt-BR",)),
        ("mix", ("pt-BR",)),
    ]
    (part,) = parts_of(["es.pt-BR.flac"], "es", tags, shared=False, kind="platform").values()
    assert part.languages == ("pt-BR",)  # the title has the name of a language


def test_files_that_indexes_name_places_in_stay_as_they_are() -> None:
    places = ["video-720.mp4", "audio-es.mp4", "audio-original.mp4", "es/video-720.mp4"]
    apart = parts_of(places, "talk", ("es", "fr"), shared=False, kind="streaming")
    assert all(part.beside for part in apart.values())
    assert [(part.role, part.languages, part.plain) for part in apart.values()] == [
        ("picture", ("es", "fr"), True),  # the source's, over which all languages are heard
        ("mix", ("es",), False),
        ("original", (), False),
        ("picture", ("es",), False),
    ]
    assert not parts_of(places, "talk", ("es",), shared=True, kind="streaming")["video-720.mp4"].plain


def test_a_picture_alone_and_the_sources_sound_are_no_dubs() -> None:
    moved = dub("spoken", KOKORO, NATIVE, mouths=True)
    assert types("picture", moved)["edited"] == ["compositeWithTrainedAlgorithmicMedia"]
    assert set(types("picture", dub("spoken", KOKORO))) == {"opened", "repackaged"}
    assert set(types("original")) == {"opened", "repackaged"}
    facts = manifest(
        "v.mp4", "video/mp4", "picture", [moved], spoken="en", source_sha256="0", consent=(), invented=False
    )["assertions"][1]["data"]
    assert (facts["dubbed"], facts["synthetic_speech"], facts["altered_picture"]) == ([], False, True)


def test_a_watermark_is_told_where_speech_was_marked() -> None:
    perth, none = (Making("watermark", (name,), {}, trained=name != "none") for name in ("perth", "none"))
    assert "watermarked.unbound" in types("dialogue", dub("spoken", KOKORO, perth))
    assert "watermarked.unbound" not in types("master", dub("spoken", KOKORO, none))
    assert "watermarked.unbound" not in types("bed", dub("spoken", KOKORO, perth))
    assert "watermarked.unbound" not in types("master", dub("recorded", perth))
