"""From what the user typed to checked runs: everything that can be wrong is found here, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from configs.language_names import language_of, split_languages
from configs.languages import LanguageError
from configs.profile import SECTIONS, Profile, ProfileError, Section, load_profile
from flows.ask.brought import titles_here
from flows.ask.given import check_media, probed, refuse_all
from flows.ask.naming import named
from flows.ask.output import writable
from flows.ask.sound_only import as_it_is
from flows.ask.stretch import Stretch, placed
from tasks import diarize, separate, synthesize, transcribe, translate, watermark
from tasks.keep.assets import path_of
from tasks.keep.store import Store, store_at, store_place
from tasks.lipsync.choose import dubs_alone, lipsyncing
from tasks.records.consent import agreed, read_consent
from tasks.records.errors import BadInputError
from tasks.records.record import Asset
from tasks.records.registry import BackendFacts
from tasks.records.script import Line
from tasks.records.title import Consent, ConsentSubject, Run, Title
from tasks.synthesize.lexicon import read_lexicon
from tasks.synthesize.series import read_series
from tasks.transcribe.sidecar import Sidecar, forced_beside, sidecar_of
from tasks.transcribe.subtitles import read_cues_of, read_script
from tasks.translate.chain import chain
from tasks.translate.glossary import read_glossary
from tasks.translate.memory import read_memory
from tasks.translate.own import check_own
from tasks.words.visible import name_part

#: The speaker of lines that name none.
_NOBODY = Line.model_fields["speaker"].default

_CREATE: dict[Section, Callable[[Any], Any]] = {
    "separate": lambda chosen: separate.separator(chosen.backend, chosen.options),
    "transcribe": lambda chosen: transcribe.transcriber(chosen.backend, chosen.options),
    "diarize": lambda chosen: diarize.diarizer(chosen.backend, chosen.options),
    "translate": lambda chosen: translate.translator(chosen.backend, chosen.options),
    "synthesize": lambda chosen: synthesize.synthesizer(chosen.backend, chosen.options),
    "watermark": lambda chosen: watermark.watermarker(chosen.backend, chosen.options),
    "lipsync": lipsyncing,
}
#: Where others may stand in: the able one, for a title's language and a dub's.
_ABLE: dict[Section, Callable[[Any, str | None, str | None], Any]] = {
    "transcribe": lambda chosen, spoken, _language: transcribe.listening(chosen, spoken).backend,
    "translate": lambda chosen, _spoken, _language: chain(chosen),
    "synthesize": lambda chosen, _spoken, language: synthesize.speaking(chosen, language).backend,
    "watermark": lambda chosen, _spoken, _language: watermark.marking(chosen).backend,
}


@dataclass(frozen=True)
class Request:
    """One `polydub run` as typed, or one title of a manifest; paths and languages unchecked.

    ``preview_s`` seconds are dubbed (0: all), from ``preview_from_s`` on (None: from the first speech on).
    ``brought``: titles of other places that are in the store, by address (`flows.ask.brought`).
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
    translations: Mapping[str, str] = field(default_factory=dict)
    preview_s: float = 0.0
    preview_from_s: float | None = None
    row: int = 0
    priority: float = 0.0
    due: str | None = None
    notes: tuple[str, ...] = ()
    brought: Mapping[str, Any] = field(default_factory=dict)


def plan(request: Request) -> list[Run]:
    """One checked run a title, under the name and with the folder that are its own.

    Raises:
        BadInputError: with what is wrong, where, and what to do.
    """
    return named(checked(request))


def fetched(request: Request, profile: Profile, store: Store) -> Request:
    """The request with its titles in the store, named without what is secret of their addresses.

    Args:
        request: as it was asked.
        profile: says what may be fetched.
        store: where titles go.

    Raises:
        BadInputError: an address that is not allowed, or leads to no title.
        TransientError: a title did not come.
    """
    videos, brought = titles_here(request.videos, request.brought, profile, store)
    return replace(request, videos=videos, brought=brought)


def checked(request: Request) -> list[Run]:
    """One checked run a video, named after its file; the titles of a batch get their folders together (`named`).

    Raises:
        BadInputError: with what is wrong, where, and what to do.
    """
    languages = parse_languages(request.languages)
    profile = checked_profile(request.profile, request.overrides)
    source_language = _language(request.source_language) if request.source_language else profile.source_language
    out = writable(Path(request.out))
    if not request.videos:
        raise BadInputError("No video was given.", "Name at least one video file.")
    if len(request.videos) > 1 and (request.subtitles or request.bed or request.dubs or request.translations):
        raise BadInputError(
            "--subtitles, --bed, --dub and --translation belong to one video, but several were given.",
            "Run them one by one, or use a manifest with `polydub batch`.",
        )
    store = store_at(store_place())
    request = fetched(request, profile, store)
    runs, wrong = [], []
    for video in request.videos:
        try:
            path = Path(video) if video in request.brought else _file(video, "video")
            runs.append(_run(request, path, video, languages, profile, source_language, out, store))
        except BadInputError as error:
            wrong.append(error)
    refuse_all(wrong)
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
    if profile.translate.memory is not None:
        read_memory(Path(profile.translate.memory))
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
    there = request.brought.get(typed)
    video = Asset.model_validate(there["asset"]) if there else _referenced(store, path)
    if there:
        path = path_of(video)
    looks = profile.model_copy(update={"sidecar": False}) if there else profile  # nothing lies beside it
    translations = [_file(file, "translation") for file in request.translations.values()]
    beside = _beside(request.subtitles, path, source_language, looks, translations)
    subtitles = beside.path
    script = read_script(subtitles, source_language or beside.language) if subtitles else None
    script_language = script.language if script else None
    dubs = {_dubbed(tag, languages): _dub(store, file) for tag, file in request.dubs.items()}
    brought = {
        _translated(tag, languages): _translation(store, file, tag) for tag, file in request.translations.items()
    }
    spoken = [language for language in languages if language not in dubs]
    name = title_name(Path(there["name"]).stem if there else path.stem)
    title = Title(
        name=name,
        plain=name,
        video=video,
        source=typed,
        folder=str(out / name),
        languages=languages,
        source_language=script_language or source_language,
        subtitles=_referenced(store, subtitles) if subtitles else None,
        forced=_forced(store, path, profile),
        bed=_referenced(store, _file(request.bed, "bed")) if request.bed else None,
        dubs=dubs,
        translations=brought,
        notes=(*request.notes, *beside.notes),
    )
    run = Run(title=title, profile=profile, store=store.where)
    facts = probed(run, title.video, title.source_language)
    run = as_it_is(run, facts)
    consent = _consent(run.profile, name, subtitles, title.source_language, spoken)
    title = run.title.model_copy(update={"consent": consent})
    run = run.model_copy(update={"title": title})
    check_media(run, facts, script)
    start_ms, length_ms = placed(Stretch(request.preview_s, request.preview_from_s), path, facts, script)
    if start_ms and (title.bed or title.dubs):
        raise BadInputError(
            f"The preview begins at {start_ms / 1000:.1f} s, where a bed or a recorded dub would not be in step.",
            "Preview from the start on (--preview 0-8), or without --bed and --dub.",
        )
    stretch = {"preview_ms": length_ms, "preview_start_ms": start_ms}
    return run.model_copy(update={"title": title.model_copy(update=stretch)}) if length_ms else run


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


def _beside(
    given: str | None, video: Path, source_language: str | None, profile: Profile, translations: Sequence[Path]
) -> Sidecar:
    """The script that was named, else the one that lies beside the video and is no translation that was brought."""
    if given:
        return Sidecar(_file(given, "subtitles"))
    if not profile.sidecar:
        return Sidecar(None)
    forced = forced_beside(video).values() if profile.subtitles.forced else ()
    return sidecar_of(video, source_language, forced, translations)


def _forced(store: Store, video: Path, profile: Profile) -> dict[str, Asset]:
    """Files beside the video that hold the words in the picture, each read once to see that it can be."""
    if not (profile.sidecar and profile.subtitles.forced):
        return {}
    found = forced_beside(video)
    for language, path in found.items():
        read_cues_of(path, language or None)
    return {language: _referenced(store, path) for language, path in found.items()}


def _file(text: str, role: str) -> Path:
    path = Path(text).expanduser()
    try:
        if not path.exists():
            raise BadInputError(f"The {role} file {text!r} does not exist.", "Check the path.", column=_column(role))
        if not path.is_file():
            raise BadInputError(f"The {role} {text!r} is not a file.", "Name a file.", column=_column(role))
        with path.open("rb"):
            pass
    except OSError as error:
        raise BadInputError(
            f"The {role} file {text!r} cannot be read: {error.strerror}.",
            "Check its permissions.",
            column=_column(role),
        ) from error
    except ValueError as error:  # an embedded NUL
        raise BadInputError(f"{text!r} is not a file name.", "Check the path.") from error
    return path.absolute()


def _column(role: str) -> str:
    """The manifest's column of a file."""
    return "title" if role == "video" else role


def _dub(store: Store, text: str) -> Asset:
    """A recorded dub: a file, or a folder of one file a line, which is packed into one."""
    path = Path(text).expanduser()
    if not path.is_dir():
        return _referenced(store, _file(text, "dub"))
    from tasks.ingest.line_files import pack_lines

    with store.workspace("dub") as folder:
        pack_lines(path, folder / "lines.zip")
        return store.add(folder / "lines.zip")


def _translation(store: Store, text: str, tag: str) -> Asset:
    """A translation, read once to see that it can be."""
    path = _file(text, "translation")
    check_own(path, _language(tag))
    return _referenced(store, path)


def _translated(tag: str, languages: tuple[str, ...]) -> str:
    language = _language(tag)
    if language not in languages:
        raise BadInputError(
            f"A translation was given for {language}, which is not among the languages.", "Add it to --to."
        )
    return language


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
