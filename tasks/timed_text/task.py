"""The Prefect tasks of `tasks.timed_text`: changes of shot, and subtitle files by the style guide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.subtitle_files import BurnStyle, SubtitleSettings
from tasks.keep.assets import path_of
from tasks.records.errors import PolydubError, UnsupportedError
from tasks.records.facts import MediaFacts
from tasks.records.made import Burned, Shots, TimedTexts
from tasks.records.record import Asset
from tasks.records.script import Line, Passage, Script
from tasks.records.title import Branch, Run
from tasks.step.prefect import step_task
from tasks.step.run import Computation, StepOutput, Work
from tasks.translate.chain import Chain, chain


@dataclass(frozen=True)
class _Film:
    video: Asset


@step_task("find-shots")
def find_shots(run: Run, video: Asset) -> Computation[_Film, Shots]:
    """When the shots of a title change; the same for all its languages.

    Args:
        run: the title, or a language of it.
        video: the source.
    """
    return Computation(_Film(video), _found, Shots)


def _found(given: _Film, work: Work) -> StepOutput[Shots]:
    from tasks.timed_text.shots import cuts_of

    try:
        return StepOutput(Shots(cuts_ms=cuts_of(path_of(given.video), work.progress)))
    except UnsupportedError as error:
        return StepOutput(Shots(cuts_ms=()), (f"Subtitles: not placed at changes of shot. {error.what}",))


@dataclass(frozen=True)
class _Given:
    script: Script
    source: Script
    facts: MediaFacts
    shots: Shots
    settings: SubtitleSettings
    title: str
    subtitles: Asset | None
    forced: dict[str, Asset]
    starts_ms: int
    translators: Chain | None


@step_task("timed-text")
def timed_text(
    branch: Branch, script: Script, source: Script, facts: MediaFacts, shots: Shots
) -> Computation[_Given, TimedTexts]:
    """A language's subtitle files by the style guide, in the formats and variants of the profile.

    Args:
        branch: title, profile and language.
        script: of the dub.
        source: of the title, with its sounds and songs.
        facts: of the title.
        shots: of its picture.
    """
    title, settings = branch.title, branch.profile.subtitles
    translators = chain(branch.profile.translate) if settings.sdh or settings.forced else None
    given = _Given(
        script=script,
        source=source,
        facts=facts,
        shots=shots,
        settings=settings,
        title=title.name,
        subtitles=title.subtitles if settings.forced else None,
        forced=title.forced if settings.forced else {},
        starts_ms=title.preview_start_ms,
        translators=translators,
    )
    uses = [one.facts for one in translators.translators] if translators else []
    return Computation(given, _written, TimedTexts, uses=uses)


def _written(given: _Given, work: Work) -> StepOutput[TimedTexts]:
    from tasks.timed_text.files import Screen, write_files

    picture, duration_ms = given.facts.picture, given.facts.duration_ms
    screen = Screen.of(picture, duration_ms, given.shots.cuts_ms) if picture else Screen.usual(duration_ms)
    formats = ("srt", "vtt", *given.settings.further)
    notes: list[str] = []
    scripts = {"": given.script, **_variants(given, work, notes)}
    files: dict[str, Path] = {}
    for variant, script in scripts.items():
        made, told = write_files(script, screen, formats, work.folder, variant=variant, title=given.title)
        files |= made
        notes += told
    kept = {name: work.keep(path) for name, path in files.items()}
    return StepOutput(TimedTexts(files=kept), tuple(dict.fromkeys(notes)))


def _variants(given: _Given, work: Work, notes: list[str]) -> dict[str, Script]:
    from tasks.timed_text.variants import for_the_deaf, names_nobody, on_screen

    words = _Words(given, work, notes)
    made = {}
    if given.settings.sdh:
        if names_nobody(given.script, given.source.kept):
            notes.append("Subtitles (sdh): the source names no sounds and no speakers, so that only words are in it.")
        made["sdh"] = for_the_deaf(given.script, given.source.kept, words.translated)
    if given.settings.forced:
        signs, foreign = _signs(given)
        if signs:
            translate = words.translated if foreign else list
            made["forced"] = on_screen(given.script.language, signs, translate)
        else:
            notes.append(
                "Subtitles (forced): no words in the picture are known (signs of an .ass file, or a .forced file), "
                "so that there is no such file."
            )
    return made


def _signs(given: _Given) -> tuple[Sequence[Passage], bool]:
    """The words in the picture, and whether they are to be translated."""
    from tasks.timed_text.signs import forced_cues, moved, signs_in
    from tasks.timed_text.variants import chosen_signs

    spoken = given.source.language
    found = {tag: forced_cues(path_of(asset), tag or spoken) for tag, asset in given.forced.items()}
    if given.subtitles is not None and (signs := signs_in(path_of(given.subtitles), spoken)):
        found[spoken] = (*found.get(spoken, ()), *signs)
    inside = {tag: moved(cues, given.starts_ms, given.facts.duration_ms) for tag, cues in found.items()}
    return chosen_signs(inside, given.script.language, spoken)


class _Words:
    """Brings words that nobody speaks into the dub's language; those that cannot be stay, which is noted."""

    def __init__(self, given: _Given, work: Work, notes: list[str]) -> None:
        self._given, self._work, self._notes = given, work, notes

    def translated(self, texts: Sequence[str]) -> Sequence[str]:
        from tasks.translate.lines import Lines

        source, target = self._given.source.language, self._given.script.language
        if not texts or source == target or self._given.translators is None:
            return texts
        different = list(dict.fromkeys(texts))
        lines = tuple(Line(id=n, start_ms=n, end_ms=n + 1, text=text) for n, text in enumerate(different))
        script = Script(language=source, lines=lines)
        try:
            self._given.translators.route(source, target)
            done = Lines(self._work.store, self._given.translators, script, target).translated({})
        except PolydubError as error:
            self._notes.append(f"Subtitles: sounds, songs and words in the picture were not translated. {error.what}")
            return texts
        self._notes.extend(f"Subtitles: {note}" for note in done.notes)
        said = {text: done.texts.get(number) or text for number, text in enumerate(different)}
        return [said[text] for text in texts]


@dataclass(frozen=True)
class _Burning:
    script: Script
    master: Asset
    shots: Shots
    style: BurnStyle


@step_task("burn")
def burn(branch: Branch, script: Script, master: Asset, shots: Shots) -> Computation[_Burning, Burned]:
    """A copy of a language's master with its subtitles in the picture.

    Args:
        branch: title, profile and language.
        script: of the dub.
        master: as packed.
        shots: of the picture.
    """
    return Computation(_Burning(script, master, shots, branch.profile.subtitles.style), _burned, Burned)


def _burned(given: _Burning, work: Work) -> StepOutput[Burned]:
    from configs.timed_text import timed_text_limits
    from tasks.media.probe import probe
    from tasks.timed_text.ass import LARGE_CPL, LARGE_CPL_WIDE
    from tasks.timed_text.burn import burn_in
    from tasks.timed_text.files import Screen
    from tasks.words.guide import guide_cues

    script, language = given.script, given.script.language
    facts = probe(path_of(given.master), language)
    assert facts.picture is not None
    screen = Screen.of(facts.picture, facts.duration_ms)
    limits = timed_text_limits(language)
    if given.style == "large":
        limits = limits.model_copy(update={"cpl": min(limits.cpl, LARGE_CPL_WIDE if limits.wide else LARGE_CPL)})
    cues = guide_cues(script, screen.frames, facts.duration_ms, given.shots.cuts_ms, limits)
    out = work.folder / "burned.mp4"
    notes = burn_in(path_of(given.master), facts, cues, language, given.style, out, work.progress)
    return StepOutput(Burned(film=work.keep(out) if out.exists() else None), notes)
