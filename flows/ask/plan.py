"""From what the user typed to checked runs: everything that can be wrong is found here, before anything is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.language_names import language_of, split_languages
from configs.languages import LanguageError
from configs.profile import SECTIONS, Profile, ProfileError, Section, load_profile
from flows.ask.naming import named
from tasks import diarize, separate, synthesize, transcribe, translate
from tasks.keep.assets import path_of
from tasks.keep.store import Store, store_at, store_place
from tasks.keep.zips import is_zip
from tasks.lipsync.choose import dubs_alone, lipsyncing
from tasks.probe import probing
from tasks.records.consent import agreed, read_consent
from tasks.records.errors import BadInputError
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.script import Line
from tasks.records.title import Consent, ConsentSubject, Run, Title
from tasks.step.run import remember
from tasks.synthesize.lexicon import read_lexicon
from tasks.synthesize.series import read_series
from tasks.transcribe.sidecar import Sidecar, sidecar_of
from tasks.transcribe.subtitles import read_script
from tasks.translate.chain import chain
from tasks.translate.glossary import read_glossary
from tasks.words.visible import name_part

#: Of a bed or a recorded dub beyond twice the title.
_MOST_MORE_MS = 600_000
#: The speaker of lines that name none.
_NOBODY = Line.model_fields["speaker"].default

_CREATE: dict[Section, Callable[[Any], Any]] = {
    "separate": lambda chosen: separate.separator(chosen.backend, chosen.options),
    "transcribe": lambda chosen: transcribe.transcriber(chosen.backend, chosen.options),
    "diarize": lambda chosen: diarize.diarizer(chosen.backend, chosen.options),
    "translate": lambda chosen: translate.translator(chosen.backend, chosen.options),
    "synthesize": lambda chosen: synthesize.synthesizer(chosen.backend, chosen.options),
    "lipsync": lipsyncing,
}
#: Where others may stand in: the able one, for a title's language and a dub's.
_ABLE: dict[Section, Callable[[Any, str | None, str | None], Any]] = {
    "transcribe": lambda chosen, spoken, _language: transcribe.listening(chosen, spoken).backend,
    "translate": lambda chosen, _spoken, _language: chain(chosen),
    "synthesize": lambda chosen, _spoken, language: synthesize.speaking(chosen, language).backend,
}


@dataclass(frozen=True)
class Request:
    """One `polydub run` as typed, or one title of a manifest; paths and languages unchecked.

    ``row``, ``priority`` (higher is sooner) and ``due`` (ISO 8601 with its offset) are a manifest's; ``notes`` are for
    the user.
    """

    videos: Sequence[str]
    languages: Sequence[str]
    out: str
    profile: str = "offline"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    source_language: str | None = None
    subtitles: str | None = None
    bed: str | None = None
    dubs: Mapping[str, str] = field(default_factory=dict)
    preview_s: float = 0.0
    row: int = 0
    priority: float = 0.0
    due: str | None = None
    notes: tuple[str, ...] = ()


def plan(request: Request) -> list[Run]:
    """One checked run a title, under the name and with the folder that are its own.

    Raises:
        BadInputError: with what is wrong, where, and what to do.
    """
    return named(checked(request))


def checked(request: Request) -> list[Run]:
    """One checked run a video, named after its file; the titles of a batch get their folders together (`named`).

    Raises:
        BadInputError: with what is wrong, where, and what to do.
    """
    languages = parse_languages(request.languages)
    profile = checked_profile(request.profile, request.overrides)
    source_language = _language(request.source_language) if request.source_language else profile.source_language
    out = _writable(Path(request.out))
    if not request.videos:
        raise BadInputError("No video was given.", "Name at least one video file.")
    if len(request.videos) > 1 and (request.subtitles or request.bed or request.dubs):
        raise BadInputError(
            "--subtitles, --bed and --dub belong to one video, but several were given.",
            "Run them one by one, or use a manifest with `polydub batch`.",
        )
    store = store_at(store_place())
    runs = []
    for video in request.videos:
        path = _file(video, "video")
        runs.append(_run(request, path, video, languages, profile, source_language, out, store))
    return runs


def parse_languages(tags: Sequence[str]) -> tuple[str, ...]:
    """Canonical languages in the order given, each once; given by tag or name, several in one text or not.

    Raises:
        BadInputError: none given, or one that is no language.
    """
    parts = [part for tag in tags for part in split_languages(tag)]
    if not parts:
        raise BadInputError("No target language was given.", "Name languages with --to, for example --to es,fr.")
    return tuple(dict.fromkeys(_language(part) for part in parts))


def checked_profile(name: str, overrides: Mapping[str, Any]) -> Profile:
    """A profile whose backends exist, accept their options and, in a commercial profile, may be used commercially.

    Raises:
        BadInputError: otherwise.
    """
    try:
        profile = load_profile(name, dict(overrides))
    except ProfileError as error:
        raise BadInputError(str(error)) from error
    if profile.voices is not None:
        read_series(Path(profile.voices))
    if profile.synthesize.lexicon is not None:
        read_lexicon(Path(profile.synthesize.lexicon))
    if profile.translate.glossary is not None:
        read_glossary(Path(profile.translate.glossary))
    if profile.consent is not None:
        read_consent(Path(profile.consent))
    for section, backend in _each(profile):
        if profile.commercial and not backend.facts.commercial:
            raise BadInputError(
                f"Profile {profile.name!r} is commercial, but {section} backend {backend.facts.name!r} is not "
                f"licensed for commercial use (code {backend.facts.code_licence}, "
                f"weights {backend.facts.weights_licence}{_clause(backend.facts)}).",
                f"Choose another {section} backend.",
            )
    return profile


def _clause(facts: BackendFacts) -> str:
    return f"; {facts.clause}" if facts.clause else ""


def _each(profile: Profile) -> Iterator[tuple[str, Any]]:
    """Every backend by its step, those that stand in for another included."""
    for section in SECTIONS:
        chosen = getattr(profile, section)
        for one in (chosen, *getattr(chosen, "fallbacks", ())):
            yield section, _CREATE[section](one)


def backends(profile: Profile, spoken: str | None = None, language: str | None = None) -> dict[str, Any]:
    """Every backend of a profile, by step; loads no model.

    Args:
        profile: whose first able backend is taken where others may stand in.
        spoken: the title's language; None where it is not known.
        language: the dub's; None for any.
    """
    made: dict[str, Any] = {}
    for section in SECTIONS:
        chosen = getattr(profile, section)
        able = _ABLE.get(section)
        made[section] = able(chosen, spoken, language) if able else _CREATE[section](chosen)
    return made


def title_name(stem: str) -> str:
    """A file name that is safe in any shell and folder: no control characters, separators or leading dash or dot."""
    name = name_part(stem).strip()
    name = re.sub(r"^[-.]+", "_", name)
    while len(name.encode()) > 120:
        name = name[:-1]
    return name or "title"


def _run(
    request: Request,
    path: Path,
    typed: str,
    languages: tuple[str, ...],
    profile: Profile,
    source_language: str | None,
    out: Path,
    store: Store,
) -> Run:
    beside = _beside(request.subtitles, path, source_language, profile)
    subtitles = beside.path
    script_language = read_script(subtitles, source_language or beside.language).language if subtitles else None
    dubs = {_dubbed(tag, languages): _dub(store, file) for tag, file in request.dubs.items()}
    spoken = [language for language in languages if language not in dubs]
    name = title_name(path.stem)
    title = Title(
        name=name,
        plain=name,
        video=_referenced(store, path),
        source=typed,
        folder=str(out / name),
        languages=languages,
        source_language=script_language or source_language,
        subtitles=_referenced(store, subtitles) if subtitles else None,
        bed=_referenced(store, _file(request.bed, "bed")) if request.bed else None,
        dubs=dubs,
        preview_ms=round(request.preview_s * 1000),
        consent=_consent(profile, name, subtitles, script_language or source_language, spoken),
        notes=(*request.notes, *beside.notes),
    )
    run = Run(title=title, profile=profile, store=store.where)
    _check_media(run, probed(run, title.video, title.source_language))
    return run


def _consent(
    profile: Profile, title: str, subtitles: Path | None, language: str | None, spoken: Sequence[str]
) -> tuple[Consent, ...]:
    """The agreements that cloned voices (of the languages ``spoken`` by the backend) and faces that leave need."""
    chosen = backends(profile)
    needed: dict[ConsentSubject, str] = {}
    alone = dubs_alone(profile.lipsync.backend)
    voices = [chosen["lipsync"] if alone else synthesize.speaking(profile.synthesize, tag).backend for tag in spoken]
    if cloning := next((voice.facts.name for voice in voices if voice.facts.clones), None):
        needed["voice"] = f"cloning a voice ({cloning})"
    if chosen["lipsync"].facts.uploads_faces:
        needed["face"] = f"sending a face to a service ({chosen['lipsync'].facts.name})"
    if not needed:
        return ()
    records = read_consent(Path(profile.consent)) if profile.consent else ()
    lines = read_script(subtitles, language).lines if subtitles else ()
    speakers = list(dict.fromkeys(line.speaker for line in lines))
    return agreed(records, title, needed, [] if speakers == [_NOBODY] else speakers)


def probed(run: Run, asset: Asset, language: str | None = None) -> MediaFacts:
    """What a file is; `BadInputError` where it is no media.

    Args:
        run: whose store keeps the answer.
        asset: the file.
        language: BCP-47 tag of the audio track that is wanted; None for the file's default.
    """
    return remember(run, "probe", probing(run, asset, language)).value


def _check_media(run: Run, facts: MediaFacts) -> None:
    title = run.title
    if facts.picture is None:
        raise BadInputError(f"{title.source} has no picture.", "Give a video file; sound alone cannot be dubbed here.")
    if facts.still:
        raise BadInputError(
            f"{title.source} is a still image.", "Animate it first: python -m lipsync_engine animate --image ..."
        )
    if not facts.audio and not (title.subtitles or title.dubs):
        raise BadInputError(
            f"{title.source} has no audio track: there is no speech to dub.",
            "Give the words with --subtitles, or a recorded dub with --dub.",
        )
    for what, asset in [("bed", title.bed), *((f"dub {tag}", asset) for tag, asset in title.dubs.items())]:
        if asset is not None and not is_zip(path_of(asset)) and not probed(run, asset).audio:
            raise BadInputError(f"The {what} {asset.uri} has no audio track.", "Give a sound file such as WAV or FLAC.")
        if asset is not None and not is_zip(path_of(asset)):
            _refuse_endless(f"{what} {asset.uri}", probed(run, asset), facts)


def _refuse_endless(what: str, given: MediaFacts, title: MediaFacts) -> None:
    """A recording beside a title may have leaders and tails, not hours more than it."""
    longest_ms = 2 * title.duration_ms + _MOST_MORE_MS
    if given.duration_ms > longest_ms:
        raise BadInputError(
            f"The {what} lasts {given.duration_ms / 1000:.0f} s, the title {title.duration_ms / 1000:.0f} s.",
            f"At most {longest_ms / 1000:.0f} s are accepted for this title: trim it.",
        )


def _beside(given: str | None, video: Path, source_language: str | None, profile: Profile) -> Sidecar:
    """The script that was named, else the one that lies beside the video."""
    if given:
        return Sidecar(_file(given, "subtitles"))
    return sidecar_of(video, source_language) if profile.sidecar else Sidecar(None)


def _file(text: str, role: str) -> Path:
    path = Path(text).expanduser()
    try:
        if not path.exists():
            raise BadInputError(f"The {role} file {text!r} does not exist.", "Check the path.")
        if not path.is_file():
            raise BadInputError(f"The {role} {text!r} is not a file.", "Name a file.")
        with path.open("rb"):
            pass
    except OSError as error:
        raise BadInputError(
            f"The {role} file {text!r} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error
    except ValueError as error:  # an embedded NUL
        raise BadInputError(f"{text!r} is not a file name.", "Check the path.") from error
    return path.absolute()


def _dub(store: Store, text: str) -> Asset:
    """A recorded dub: a file, or a folder of one file a line, which is packed into one."""
    path = Path(text).expanduser()
    if not path.is_dir():
        return _referenced(store, _file(text, "dub"))
    from tasks.ingest.line_files import pack_lines

    with store.workspace("dub") as folder:
        pack_lines(path, folder / "lines.zip")
        return store.add(folder / "lines.zip")


def _referenced(store: Store, path: Path) -> Asset:
    return store.reference(path)


def _dubbed(tag: str, languages: tuple[str, ...]) -> str:
    language = _language(tag)
    if language not in languages:
        raise BadInputError(
            f"A recorded dub was given for {language}, which is not among the languages.", "Add it to --to."
        )
    return language


def _language(tag: str) -> str:
    try:
        return language_of(tag)
    except LanguageError as error:
        raise BadInputError(str(error)) from error


def _writable(folder: Path) -> Path:
    folder = folder.expanduser().absolute()
    existing = folder
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise BadInputError(
            f"The output folder {folder} cannot be made: {existing} is a file.", "Choose another --out."
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise BadInputError(
            f"The output folder {folder} cannot be written.", "Choose another --out, or change its permissions."
        )
    return folder
