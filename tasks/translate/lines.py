"""Translates a script's lines by a chain of translators, storing each result before the next request.

A line is looked up under every translator of the chain first, so that any paid translation is reused. Lines that fail
with one translator (busy after its retries, rejected, empty, in another language) go to the next, with a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tasks.keep.store import Store, step_key
from tasks.records.errors import BadInputError, PermanentError, PolydubError, is_transient
from tasks.records.progress import Progress, silent
from tasks.records.script import Line, Script
from tasks.translate import Guidance, Term, Translator, language_check, quiet
from tasks.translate.chain import Chain
from tasks.translate.glossary import matching, protect, restore, violated
from tasks.translate.memory import plain
from tasks.words.speakable import speaks

_LINE, _LINE_VERSION = "translate-line", 3


@dataclass
class Translated:
    """The lines' texts in a language, with notes.

    Attributes:
        texts: by line id.
        by: names of the translators used.
        notes: in order of occurrence.
        hits: number of lines found in the store.
    """

    texts: dict[int, str] = field(default_factory=dict)
    by: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    hits: int = 0

    def add(self, other: Translated) -> None:
        """Merge those of another part of the script."""
        self.texts |= other.texts
        self.by |= other.by
        self.notes += other.notes
        self.hits += other.hits


class Lines:
    """The translation of one script into one language."""

    def __init__(self, store: Store, chain: Chain, script: Script, target: str, progress: Progress = silent) -> None:
        self._store, self._chain, self._script, self._target = store, chain, script, target
        self._progress = progress
        self._place = {line.id: number for number, line in enumerate(script.lines)}
        self._terms = chain.glossary.pairs(script.language, target)
        self._doubts: dict[int, tuple[str, str, Translator]] = {}  # line id: answer, complaint, whose

    def translated(self, edits: dict[str, str]) -> Translated:
        """All lines: edited ones, stored ones, and the rest from the first translator that can.

        Raises:
            PolydubError: of the first translator, if all failed; its fix includes the others' errors.
        """
        done = Translated()
        if self._chain.settings.language_check and not language_check.available():
            done.notes.append(
                "The package py3langid is not installed: a wrong language is detected only by its script."
            )
        done.texts |= {line.id: line.text for line in self._script.lines if not speaks(line.text)}
        done.texts |= {line.id: edits[str(line.id)] for line in self._script.lines if str(line.id) in edits}
        self._remember(done)
        self._look_up(done)
        done.hits = len(done.texts)
        failures: list[PolydubError] = []
        for number, one in enumerate(self._chain.translators):
            waiting = self._waiting(done)
            if not waiting:
                break
            failure = self._ask(one, waiting, done)
            if failure is not None:
                failures.append(failure)
            self._look_up(done)  # lines with the same text as a translated one
            left = self._waiting(done)
            if left and number + 1 < len(self._chain.translators):
                done.notes.append(self._handed_over(one, self._chain.translators[number + 1], left, failure))
        self._settle_doubts(done)
        if left := self._waiting(done):
            raise _all_failed(failures, len(left))
        done.notes.extend(self._glossary_notes(done, edits))
        return done

    def _waiting(self, done: Translated) -> list[Line]:
        return [line for line in self._script.lines if line.id not in done.texts]

    def _remember(self, done: Translated) -> None:
        """What the memory has of the very same text."""
        known = self._chain.memory.pairs(self._script.language, self._target)
        found = {line.id: said for line in self._waiting(done) if (said := known.get(plain(line.text)))}
        done.texts |= found
        if found:
            done.by["memory"] = None
            done.notes.append(f"{len(found)} lines are as the translation memory has them.")

    def _look_up(self, done: Translated) -> None:
        for line in self._waiting(done):
            for one in self._chain.translators:
                found = self._store.read_note(_LINE, self._key(one, line))
                if found is not None:
                    done.texts[line.id] = found["text"]
                    done.by[found["by"]] = None
                    done.notes.extend(found["notes"])
                    break

    def _ask(self, one: Translator, waiting: Sequence[Line], done: Translated) -> PolydubError | None:
        """Translate batch by batch; returns the error that stopped it, if any."""
        try:
            one.route(self._script.language, self._target)
            for batch in self._batches(one, waiting):
                self._progress(len(done.texts) / max(1, len(self._script.lines)))
                self._one_batch(one, batch, done)
        except BadInputError:
            raise
        except PolydubError as error:
            return error
        return None

    def _one_batch(self, one: Translator, batch: Sequence[Line], done: Translated) -> None:
        said: list[str] = []
        texts = [line.text for line in batch]
        answers = one.translate(texts, self._script.language, self._target, said.append, self._guidance(one, batch))
        if len(answers) != len(batch):
            raise PermanentError(f"{one.facts.name} returned {len(answers)} lines for {len(batch)}.")
        for line, answer in zip(batch, answers, strict=True):
            complaint = self._complaint(line, answer)
            if complaint:
                self._doubts.setdefault(line.id, (answer, complaint, one))
            else:
                self._keep(one, line, answer, said, done)  # before anything else can go wrong
        if self._terms:
            self._enforce(one, [line for line in batch if line.id in done.texts], said, done)

    def _enforce(self, one: Translator, lines: Sequence[Line], said: Sequence[str], done: Translated) -> None:
        """Translate lines that lack a term again, with a placeholder name for the term."""
        lacking = [
            (line, missed) for line in lines if (missed := violated(self._terms, line.text, done.texts[line.id]))
        ]
        if not lacking:
            return
        texts = [protect(line.text, missed) for line, missed in lacking]
        guidance = self._guidance(one, [line for line, _ in lacking])
        try:
            answers = one.translate(texts, self._script.language, self._target, quiet, guidance)
        except PolydubError:
            return  # the lines are translated; missing terms are noted at the end
        for (line, missed), answer in zip(lacking, answers, strict=True):
            text = restore(answer, missed)
            if not violated(missed, line.text, text):
                self._keep(one, line, text, said, done)

    def _keep(self, one: Translator, line: Line, text: str, said: Sequence[str], done: Translated) -> None:
        name = one.facts.name
        notes = list(said)
        if one is not self._chain.translators[0]:
            notes.append(f"Lines were translated by {name}, the fallback of {self._first}.")
        self._store.write_note(_LINE, self._key(one, line), {"text": text, "notes": notes, "by": name})
        done.texts[line.id] = text
        done.by[name] = None
        done.notes.extend(said)

    def _settle_doubts(self, done: Translated) -> None:
        """Keep a doubtful translation that no translator improved, with a note: a wrong line is better than none."""
        for line in self._waiting(done):
            if line.id in self._doubts and self._doubts[line.id][0].strip():
                answer, complaint, one = self._doubts[line.id]
                self._keep(one, line, answer, [f"Line {line.id} may not be in {self._target}: {complaint}."], done)
                self._look_up(done)

    def _complaint(self, line: Line, answer: str) -> str:
        if not answer.strip():
            return "it is empty"
        if not speaks(answer):
            return "it has no words"
        if not self._chain.settings.language_check:
            return ""
        return language_check.complaint(answer, line.text, self._script.language, self._target)

    def _batches(self, one: Translator, waiting: Sequence[Line]) -> Iterator[list[Line]]:
        """Lines in order, in batches of at most the translator's size; of lines with the same key only the first."""
        distinct = list({self._key(one, line): line for line in reversed(waiting)}.values())[::-1]
        size = max(1, one.batch)
        for start in range(0, len(distinct), size):
            yield distinct[start : start + size]

    def _guidance(self, one: Translator, batch: Sequence[Line]) -> Guidance:
        lines, count = self._script.lines, one.context
        first, last = self._place[batch[0].id], self._place[batch[-1].id]
        spoken = [line.text for line in batch]
        return Guidance(
            formality=self._chain.settings.formality,
            terms=_occurring(self._terms, spoken),
            before=tuple(line.text for line in lines[max(0, first - count) : first]),
            after=tuple(line.text for line in lines[last + 1 : last + 1 + count]),
            slots_ms=tuple(line.end_ms - line.start_ms for line in batch) if one.timed else (),
        )

    def _key(self, one: Translator, line: Line) -> str:
        lines, at, count = self._script.lines, self._place[line.id], one.context
        inputs = {
            "text": line.text,
            "from": self._script.language,
            "to": self._target,
            "formality": self._chain.settings.formality,
            "terms": [[term.source, term.target] for term in matching(self._terms, line.text)],
            "before": [other.text for other in lines[max(0, at - count) : at]],
            "after": [other.text for other in lines[at + 1 : at + 1 + count]],
            "slot": round((line.end_ms - line.start_ms) / 100) if one.timed else None,
        }
        return step_key(_LINE, _LINE_VERSION, backend=one.fingerprint(), inputs=inputs)

    @property
    def _first(self) -> str:
        return self._chain.translators[0].facts.name

    def _handed_over(
        self, one: Translator, other: Translator, left: Sequence[Line], failure: PolydubError | None
    ) -> str:
        complaints = [self._doubts[line.id][1] for line in left if line.id in self._doubts]
        why = failure.what.rstrip(".") if failure is not None else (complaints or ["no result"])[0]
        return f"{one.facts.name} failed ({why}): {len(left)} lines go to {other.facts.name}."

    def _glossary_notes(self, done: Translated, edits: dict[str, str]) -> Iterator[str]:
        for line in self._script.lines:
            for term in violated(self._terms, line.text, done.texts[line.id]):
                whose = " (edited by hand)" if str(line.id) in edits else ""
                yield f"Glossary: line {line.id}{whose} lacks “{term.target}” for “{term.source}”."


def _occurring(terms: Sequence[Term], texts: Sequence[str]) -> tuple[Term, ...]:
    return tuple(dict.fromkeys(term for text in texts for term in matching(terms, text)))


def _all_failed(failures: Sequence[PolydubError], lines: int) -> PolydubError:
    """The first translator's error, with the others' messages."""
    if not failures:
        return PermanentError(f"No translator returned a result for {lines} lines.")
    first, *others = failures
    if not others:
        return first
    also = " ".join(error.what for error in others)
    kind = type(next((error for error in failures if is_transient(error)), first))  # transient if one of them is
    return kind(first.what, f"{first.fix} The fallbacks failed too: {also}".strip(), **first.data)
