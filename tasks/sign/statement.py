"""What the credentials of a delivered file say: what it was made from, by which programs, and what is synthetic.

It says only what is known. A voice or a mouth that a machine made is called synthetic; a recording that the client
brought is called that. People are not named: of an agreement its reference alone is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from configs.languages import display_name
from tasks.records.registry import package_version
from tasks.records.step_record import StepUse
from tasks.records.title import Consent, ConsentSubject
from tasks.step.table import BY_NAME, Way

#: Of our own assertion, which repeats in full what the actions say in short.
ASSERTION = "org.polydub.dub"
#: Which part of a dub a file is: all of it, all dubs over the source's picture, one stem, a picture alone, or the
#: source's own sound.
Role = Literal["master", "multi", "dialogue", "bed", "mix", "picture", "original"]
ROLES: tuple[Role, ...] = ("dialogue", "bed", "mix")
#: Those that hold a dub's speech, and those that hold a picture that may have been changed.
_SPOKEN: tuple[Role, ...] = ("master", "multi", "dialogue", "mix")
_SEEN: tuple[Role, ...] = ("master", "picture")

_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_TRAINED, _BY_RULE = f"{_TYPES}trainedAlgorithmicMedia", f"{_TYPES}algorithmicMedia"
_WITH_TRAINED, _WITH_BY_RULE = f"{_TYPES}compositeWithTrainedAlgorithmicMedia", f"{_TYPES}compositeSynthetic"
_ENHANCED = f"{_TYPES}algorithmicallyEnhanced"
#: What the types of something synthetic end in.
SYNTHETIC = tuple(one.rpartition("/")[2] for one in (_TRAINED, _BY_RULE, _WITH_TRAINED, _WITH_BY_RULE))
_SPEAKS = ("synthesize", "adapt")
_SEPARATES = ("separate",)


@dataclass(frozen=True)
class Making:
    """A step that had a part in a dub: its backends, and the versions of what did it.

    ``trained``: whether one of its backends is a trained model, or a service, which is taken for one.
    """

    step: str
    backends: tuple[str, ...]
    versions: Mapping[str, str]
    trained: bool

    @property
    def agent(self) -> dict[str, str]:
        """As an action names it."""
        told = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return {"name": " and ".join(self.backends), "version": told}


@dataclass(frozen=True)
class Dubbing:
    """How one language was made.

    Attributes:
        language: BCP-47.
        way: spoken by a machine, recorded, or made by a service.
        brought: the translation was brought by the client.
        mouths: whether mouths were changed in the picture that goes with it.
        finished: whether the whole picture was treated (a scene mode, another height).
        makings: its steps, those that the title's languages share first.
    """

    language: str
    way: Way
    brought: bool
    mouths: bool
    finished: bool
    makings: tuple[Making, ...]


def making(use: StepUse, note: Any) -> Making | None:
    """A step by its line in the ledger and its record as the store has it; None where it is not there any more."""
    if not isinstance(note, dict):
        return None
    makers = [maker for maker in note.get("makers", ()) if isinstance(maker, dict)]
    return Making(
        step=use.step,
        backends=tuple(dict.fromkeys(str(maker.get("name")) for maker in makers)) or ("polydub",),
        versions=dict(sorted(note.get("versions", {}).items())),
        trained=any(maker.get("weights_licence", "none") != "none" or maker.get("service") for maker in makers),
    )


def actions(
    role: Role, dubs: Sequence[Dubbing], spoken: str, brought: Sequence[str] = ("source",)
) -> list[dict[str, Any]]:
    """What was done to the source, in order; every action of a file is among them.

    Args:
        role: of the file.
        dubs: that are in it.
        spoken: BCP-47 tag of the source's language.
        brought: what it was made from (``source``, ``bed``, ``recording-LANGUAGE``): first what it began as.
    """
    done: list[dict[str, Any]] = [{"action": "c2pa.opened", "parameters": {"ingredientIds": [brought[0]]}}]
    done += [{"action": "c2pa.placed", "parameters": {"ingredientIds": [one]}} for one in brought[1:]]
    if role == "bed":
        return [*done, _bed(dubs[0], clients=brought[0] == "bed")]
    for dub in dubs:
        if role in _SPOKEN:
            done += [_translated(dub, spoken), _dubbed(dub, whole=role != "dialogue"), *_watermarked(dub)]
        if role in _SEEN:
            done += _pictured(dub)
    if role in _SPOKEN and role != "dialogue":
        done.append(_mixed(dubs[0], clients="bed" in brought))
    if len(done) == 1:
        done.append({"action": "c2pa.repackaged", "description": "As in the source, packed or encoded again."})
    return done


def _translated(dub: Dubbing, spoken: str) -> dict[str, Any]:
    into = {"sourceLanguage": spoken, "targetLanguage": dub.language}
    by = next((one for one in dub.makings if one.step == "translate"), None)
    service = next((one for one in dub.makings if one.step == "translate-film"), None)
    name = display_name(dub.language)
    if dub.brought:
        told = f"The {name} text is a translation that the client brought."
        return {"action": "c2pa.translated", "parameters": into, "description": told}
    agent = by or service
    told = f"The words of its subtitles were translated into {name} by a machine; those of the recording are its own."
    if dub.way != "recorded":
        told = f"The words were translated into {name} by a machine."
    named = {"softwareAgent": agent.agent} if agent else {}
    return {"action": "c2pa.translated", "parameters": into, "description": told, **named}


def _dubbed(dub: Dubbing, *, whole: bool) -> dict[str, Any]:
    """The speech; ``whole``: with more of the title beside it."""
    name = display_name(dub.language)
    action: dict[str, Any] = {"action": "c2pa.dubbed", "parameters": {"targetLanguage": dub.language}}
    if dub.way == "recorded":
        told = f"The {name} speech is a recording that the client brought. No speech was synthesised."
        return {**action, "description": told}
    voices = [one for one in dub.makings if one.step in (*_SPEAKS, "translate-film") and one.backends != ("polydub",)]
    trained = any(one.trained for one in voices) or not voices
    kinds = (_WITH_TRAINED, _WITH_BY_RULE) if whole else (_TRAINED, _BY_RULE)
    agent = {"softwareAgent": voices[0].agent} if voices else {}
    told = f"The {name} speech is synthetic."
    return {**action, "description": told, "digitalSourceType": kinds[0] if trained else kinds[1], **agent}


def _watermarked(dub: Dubbing) -> list[dict[str, Any]]:
    """The mark in its synthetic lines, where they were marked."""
    by = next((one for one in dub.makings if one.step == "watermark" and "none" not in one.backends), None)
    if by is None or dub.way != "spoken":
        return []
    told = "The synthetic speech carries a watermark that programs can hear."
    return [{"action": "c2pa.watermarked.unbound", "description": told, "softwareAgent": by.agent}]


def _pictured(dub: Dubbing) -> list[dict[str, Any]]:
    by = next((one for one in dub.makings if one.step in ("lipsync", "translate-film")), None)
    agent = {"softwareAgent": by.agent} if by else {}
    if dub.mouths:
        told = "Mouths in the picture were changed by a machine to match the speech."
        return [{"action": "c2pa.edited", "description": told, "digitalSourceType": _WITH_TRAINED, **agent}]
    if dub.finished:
        told = "The whole picture was treated; no mouth was changed."
        return [{"action": "c2pa.edited", "description": told, "digitalSourceType": _ENHANCED, **agent}]
    return []


def _mixed(dub: Dubbing, *, clients: bool) -> dict[str, Any]:
    """Speech and the rest; ``clients``: the client brought that."""
    if clients:
        told = "The speech was mixed with music and effects that the client brought."
        return {"action": "c2pa.edited", "description": told}
    told = "The speech was mixed with the title's music and effects, from which its own speech was taken."
    return {"action": "c2pa.edited", "description": told, **_separator(dub)}


def _bed(dub: Dubbing, *, clients: bool) -> dict[str, Any]:
    if clients:
        return {"action": "c2pa.edited", "description": "Music and effects of the client, laid to the title."}
    told = "Music and effects of the title, without its speech."
    return {"action": "c2pa.edited", "description": told, "digitalSourceType": _ENHANCED, **_separator(dub)}


def _separator(dub: Dubbing) -> dict[str, Any]:
    by = next((one for one in dub.makings if one.step in _SEPARATES), None)
    return {"softwareAgent": by.agent} if by else {}


def manifest(
    name: str,
    form: str,
    role: Role,
    dubs: Sequence[Dubbing],
    brought: Sequence[str] = ("source",),
    *,
    spoken: str,
    source_sha256: str,
    consent: Sequence[Consent],
    invented: bool,
) -> dict[str, Any]:
    """What is signed of one file.

    Args:
        name: of the file.
        form: its media type.
        role: which part of a dub it is.
        dubs: that are in it.
        brought: as of `actions`.
        spoken: BCP-47 tag of the source's language.
        source_sha256: digest of the source.
        consent: the agreements that it was made under.
        invented: the profile computes nothing real.
    """
    facts = {
        "dubbed": [dub.language for dub in dubs] if role in _SPOKEN else [],
        "synthetic_speech": role in _SPOKEN and any(dub.way != "recorded" for dub in dubs),
        "altered_picture": role in _SEEN and any(dub.mouths for dub in dubs),
        "part": role,
        "source": {"sha256": source_sha256, "language": spoken},
        "consent": agreements(consent),
        "made_by": _each(dubs),
        **({"invented": True} if invented else {}),
    }
    told = {"actions": actions(role, dubs, spoken, brought), "allActionsIncluded": True}
    return {
        "claim_generator_info": [{"name": "Polydub", "version": package_version("polydub")}],
        "title": name,
        "format": form,
        "assertions": [{"label": "c2pa.actions.v2", "data": told}, {"label": ASSERTION, "data": facts}],
    }


def _each(dubs: Sequence[Dubbing]) -> list[dict[str, Any]]:
    """Every step once, with its languages where they differ."""
    found: dict[str, dict[str, Any]] = {}
    for dub in dubs:
        for one in dub.makings:
            facts: dict[str, Any] = {"step": one.step, "does": BY_NAME[one.step].does if one.step in BY_NAME else ""}
            facts |= {"by": list(one.backends), "versions": dict(one.versions)}
            row = found.setdefault(repr(facts), {**facts, "languages": []})
            row["languages"].append(dub.language)
    return list(found.values())


def agreements(consent: Sequence[Consent]) -> list[dict[str, Any]]:
    """Agreements by their reference, and what of a person they cover: never who it is."""
    return [
        {"reference": one.reference or "not given", "covers": sorted(set[ConsentSubject](one.what))} for one in consent
    ]
