"""Work that cannot be done here, found before any is: each title and language against what its profile has. No Prefect.

`run`, `batch`, `inbox`, the flows and `doctor` ask the same questions here. Nothing is loaded, nothing is sent but an
attempt at a connection, and what a later step may still find out (the spoken language, say) is not guessed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from configs.languages import display_name, primary
from configs.profile import Profile, Section
from flows.ask.plan import backends
from flows.ask.room import refuse_short_room
from tasks.lipsync.choose import dubs_alone, lipsyncing
from tasks.machine.weights import Downloading
from tasks.records.errors import MissingBackendError, PolydubError, ProviderBusyError, UnsupportedError
from tasks.records.registry import BackendFacts
from tasks.records.standin import Chosen
from tasks.records.title import Run
from tasks.services.reach import unreachable
from tasks.sign.run import usable_key
from tasks.synthesize import speaking
from tasks.transcribe import listening
from tasks.translate import Translator
from tasks.translate.chain import chain
from tasks.words.fonts import missing_fonts

_PROGRAMS = ("ffmpeg", "ffprobe")
#: The manifest's column that would have to change, by the step that cannot be done.
_COLUMNS = {"transcribe": "source_language", "translate": "languages", "synthesize": "languages"}


@dataclass(frozen=True)
class Fault:
    """Why a title, or one of its languages, cannot be dubbed.

    Attributes:
        run: the title.
        language: BCP-47 tag; empty for the whole title.
        error: what is wrong and what to do; its ``data`` names the step.
    """

    run: Run
    language: str
    error: PolydubError

    @property
    def column(self) -> str:
        """The manifest's column that it is about."""
        step = str(self.error.data.get("step", ""))
        return _COLUMNS.get(step, "profile" if step else "")

    def __str__(self) -> str:
        return f"{self.run.title.name} {self.language}".rstrip() + f": {self.error}"


@dataclass(frozen=True)
class Asked:
    """Languages of one title that are to be made, and whether nothing of it is made yet.

    Attributes:
        run: the title.
        languages: of it, those that are asked for.
        spoken: its language where that is known; None: as the user said.
        fresh: whether services will be asked; what the store has needs none.
    """

    run: Run
    languages: Sequence[str]
    spoken: str | None = None
    fresh: bool = True


def faults(work: Sequence[Asked], *, whole: bool = True) -> list[Fault]:
    """All that cannot be done, in the order of titles and languages: a whole title's faults, else its languages'.

    Args:
        work: titles with their languages.
        whole: look at the titles too; False: at their languages alone.
    """
    silent = unreachable({address for one in work if one.fresh for address in _addresses(one)})
    found: list[Fault] = []
    for one in work:
        title = [Fault(one.run, "", error) for error in _title_errors(one, silent)] if whole else []
        found += title or [
            Fault(one.run, tag, error)
            for tag in one.languages
            for error in (*([] if whole else _signing_errors(one.run.profile)), *_language_errors(one, tag, silent))
        ]
    return found


def stopped(one: Asked, found: Sequence[Fault]) -> bool:
    """Whether nothing of a title can be dubbed, nor was before."""
    bad = {fault.language for fault in found if fault.run.title == one.run.title}
    return "" in bad or bad.issuperset(one.run.title.languages)


def language_lacks(profile: Profile, spoken: str | None, language: str) -> list[str]:
    """Why titles in one language cannot be dubbed into another; empty where they can.

    Args:
        profile: that they would be dubbed with.
        spoken: BCP-47 tag of the source; None: whichever is heard.
        language: BCP-47 tag of the dub.
    """
    if spoken == language:
        return []
    shared = _backend_errors(profile, spoken, subtitles=False, silent=frozenset())
    return [str(error) for error in (*shared, *_worded(profile, spoken, language, frozenset()))]


def _title_errors(one: Asked, silent: frozenset[str]) -> list[PolydubError]:
    title, profile = one.run.title, one.run.profile
    found = [*_programs(), *_signing_errors(profile)]
    subtitles = title.subtitles is not None or one.spoken is not None
    found += _backend_errors(profile, title.source_language, subtitles=subtitles, silent=silent)
    try:
        refuse_short_room(one.run, one.languages)
    except PolydubError as error:
        found.append(error)
    return found


def _programs() -> Iterator[PolydubError]:
    for name in _PROGRAMS:
        if shutil.which(name) is None:
            yield MissingBackendError(f"The program {name} is not installed.", "`apt-get install ffmpeg`.")


def _signing_errors(profile: Profile) -> Iterator[PolydubError]:
    """Why what is made could not be signed at its end."""
    if not profile.credentials.signs:
        return
    try:
        usable_key(profile.credentials)
    except PolydubError as error:
        error.data["step"] = "sign"
        yield error


def _backend_errors(
    profile: Profile, spoken: str | None, *, subtitles: bool, silent: frozenset[str]
) -> Iterator[PolydubError]:
    """What the steps that all languages share lack, lip sync included."""
    chosen = backends(profile, spoken)
    sections: tuple[Section, ...] = ("separate", "diarize", "lipsync")
    for section in sections:
        yield from _lacking(section, chosen[section], silent)
    if subtitles:
        return
    heard = listening(profile.transcribe, spoken)
    instead = "Give the words with --subtitles, or choose another recogniser (--profile)."
    yield from _unable("transcribe", heard, instead, silent)


def _language_errors(one: Asked, language: str, silent: frozenset[str]) -> Iterator[PolydubError]:
    run, profile = one.run, one.run.profile
    yield from _font_errors(profile, language)
    recorded, alone = language in run.title.dubs, dubs_alone(profile.lipsync.backend)
    spoken = one.spoken or run.title.source_language
    if spoken == language:
        yield UnsupportedError(
            f"The title already speaks {display_name(language)} ({language}): there is nothing to translate.",
            "Leave this language out, or correct the language of the title (--from).",
            step="translate",
        )
    elif alone and language in run.title.translations:
        yield UnsupportedError(
            f"{profile.lipsync.backend} translates by itself; it cannot speak a translation that is brought.",
            "Choose another --lipsync for this language, or omit the translation.",
            step="lipsync",
        )
    elif recorded and alone:
        yield UnsupportedError(
            f"{profile.lipsync.backend} makes its own speech; it cannot lip-sync a recorded dub.",
            "Choose another --lipsync for this language, or omit the recording.",
            step="lipsync",
        )
    elif not alone:
        brought = language in run.title.translations
        yield from _worded(profile, spoken, language, silent, recorded=recorded, brought=brought)


def _font_errors(profile: Profile, language: str) -> Iterator[PolydubError]:
    """Why a language's subtitles could not be drawn."""
    if not profile.subtitles.burns(language):
        return
    try:
        package = missing_fonts(language)
    except MissingBackendError as error:
        yield error
        return
    if package:
        yield MissingBackendError(
            f"No installed font has the letters of {display_name(language)} ({language}), which --burn would draw.",
            f"`apt-get install {package}`, or leave it out of --burn.",
        )


def _worded(
    profile: Profile,
    spoken: str | None,
    language: str,
    silent: frozenset[str],
    *,
    recorded: bool = False,
    brought: bool = False,
) -> Iterator[PolydubError]:
    """What translation and voice lack for one language."""
    if not brought and (refusal := _no_translation(profile, spoken, language, silent)):
        yield refusal
    if recorded:
        return
    instead = "Choose another voice (--profile), or give a recorded dub (--dub)."
    yield from _unable("synthesize", speaking(profile.synthesize, language), instead, silent)


def _no_translation(profile: Profile, spoken: str | None, language: str, silent: frozenset[str]) -> PolydubError | None:
    """Why no translator of the chain can: the first one's reason."""
    refusals = []
    for one in chain(profile.translate).translators:
        lacks = next(_lacking("translate", one, silent), None)
        refusal = lacks or _no_route(one, _sources(profile, spoken, language), language)
        if refusal is None:
            return None
        refusals.append(refusal)
    return refusals[0]


def _sources(profile: Profile, spoken: str | None, language: str) -> Iterable[str]:
    """The languages that a title may turn out to be in; none where that is not bounded."""
    if spoken:
        return (spoken,)
    known = listening(profile.transcribe, None).backend.facts.languages or ()
    return sorted((tag for tag in known if tag != primary(language)), key=lambda tag: (tag != "en", tag))


def _no_route(one: Translator, sources: Iterable[str], language: str) -> PolydubError | None:
    first: PolydubError | None = None
    for source in sources:
        try:
            one.route(source, language)
        except PolydubError as error:
            error.data["step"] = "translate"
            first = first or error
        else:
            return None
    return first


def _unable(section: str, chosen: Chosen[Any], instead: str, silent: frozenset[str]) -> Iterator[PolydubError]:
    """Why no backend of a step can do a language, or what the one that can lacks.

    Args:
        section: of the profile.
        chosen: the backend that a language gets.
        instead: what the user can do where none can.
        silent: addresses that do not answer.
    """
    if chosen.reasons:
        yield UnsupportedError(_sentence(chosen.reasons), instead, step=section)
    else:
        yield from _lacking(section, chosen.backend, silent)


def _lacking(section: str, backend: Any, silent: frozenset[str]) -> Iterator[PolydubError]:
    """What a backend lacks on this machine, or a service that does not answer."""
    facts: BackendFacts = backend.facts
    if missing := backend.missing():
        yield MissingBackendError(f"{facts.name} cannot be used.", " ".join(map(_sentence, missing)), step=section)
    for address in sorted(_served(backend) & silent):
        yield ProviderBusyError(
            f"{facts.name} cannot be reached: {address} takes no connection.",
            "Check the network and the address; what is in the store needs neither.",
            step=section,
        )


def _served(backend: Any) -> frozenset[str]:
    """The addresses that a backend will ask."""
    missing = backend.missing()
    downloads = backend.weights() if isinstance(backend, Downloading) and not missing else ()
    hubs = {one.hub for one in downloads if not one.there}
    return frozenset(filter(None, {backend.facts.address, *hubs}))


def _addresses(one: Asked) -> Iterator[str]:
    profile = one.run.profile
    shared: list[Any] = [lipsyncing(profile.lipsync)]
    chosen = backends(profile, one.run.title.source_language)
    shared += [chosen["separate"], chosen["diarize"]]
    if one.run.title.subtitles is None and one.spoken is None:
        shared.append(chosen["transcribe"])
    if not dubs_alone(profile.lipsync.backend):
        shared += chain(profile.translate).translators
        shared += [speaking(profile.synthesize, tag).backend for tag in one.languages]
    for backend in shared:
        yield from _served(backend)


def _sentence(reasons: Sequence[str] | str) -> str:
    text = reasons if isinstance(reasons, str) else "; ".join(reasons)
    return text[:1].upper() + text[1:].rstrip(".") + "."
