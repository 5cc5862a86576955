"""Takes through the store: a line that was spoken before at that pace is not spoken again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import soundfile

from configs.profile import PaceSettings
from tasks.keep.assets import path_of
from tasks.keep.digests import file_sha256
from tasks.keep.known import found_or_made
from tasks.keep.store import Store, step_key
from tasks.records.direction import Direction
from tasks.records.errors import BadInputError
from tasks.records.record import Asset, Record
from tasks.records.script import Line
from tasks.records.step_record import StepRecord
from tasks.records.take import RECORDED, Take
from tasks.synthesize import PLAIN, LengthPredicting, Manner, NothingToSayError, Synthesizer
from tasks.synthesize.judge import score
from tasks.synthesize.lexicon import Entry, Pronounced, pronounce
from tasks.synthesize.pace import Reach, is_near, is_short, line_pace, speaker_pace
from tasks.synthesize.pauses import marks, moved, widened, widening
from tasks.synthesize.recorded import recording
from tasks.synthesize.wave import write_wav
from tasks.understood.ears import Ears
from tasks.words.speakable import speaks
from tasks.words.syllables import syllables

_LINE, _PAUSES, _LENGTH, _PACE = "synthesize-line", "pause-line", "length-of-line", "pace-of-line"
#: Version of a single take, separate from the step's, so that paid takes are kept when another pace is chosen.
_VERSION = 3


class Said(Record):
    """A line as a voice said it, once."""

    audio: Asset
    duration_ms: int
    phones: tuple[tuple[str, int, int, int], ...] = ()
    characters: int = 0


class Lengthened(Record):
    """A take with longer pauses: ``(at_ms, added_ms)``; no audio where none was put in."""

    audio: Asset | None = None
    places: tuple[tuple[int, int], ...] = ()


@dataclass
class VoiceSession:
    """The voices of one language with everything needed to speak its lines.

    Attributes:
        store: where takes are kept.
        backend: the synthesizer.
        language: BCP-47 tag.
        voices: speaker id to voice.
        references: speaker id to a clip of that speaker, for cloning backends.
        folder: for takes before they enter the store.
        lexicon: pronunciations of the language.
        energies: energy of the source's lines, by id.
        rates: syllables per second of the source's lines, by id.
        readings: number of readings to choose from; 1 if the backend has only one.
        ears: the recogniser that checks takes.
        fresh: ids of the lines that were spoken now, in part or completely.
        characters: number sent to a service that bills by characters.
        unused: words of the lexicon that the backend does not support.
        remarks: notes on the setup, for the user.
        directions: by line id, how a person wants it to be spoken.
    """

    store: Store
    backend: Synthesizer
    language: str
    voices: Mapping[str, str]
    references: Mapping[str, Path]
    folder: Path
    lexicon: tuple[Entry, ...] = ()
    energies: Mapping[int, float] = field(default_factory=dict)
    rates: Mapping[int, float] = field(default_factory=dict)
    readings: int = 1
    ears: Ears = field(default_factory=lambda: Ears("und", deaf="nobody listens"))
    fresh: set[int] = field(default_factory=set)
    characters: int = 0
    unused: set[str] = field(default_factory=set)
    remarks: tuple[str, ...] = ()
    directions: Mapping[int, Direction] = field(default_factory=dict)

    def sayable(self, lines: Sequence[Line]) -> tuple[list[Line], list[str]]:
        """The lines that this voice can pronounce, and a note on each of the others, which stay silent."""
        spoken: list[Line] = []
        notes: list[str] = []
        for line in lines:
            if self.recorded(line) is not None:
                spoken.append(line)
                continue
            why = "" if speaks(line.text) else "has no words" if line.text.strip() else "has no text"
            try:
                if not why:
                    self._length_ms(line)
            except NothingToSayError:
                why = f"has nothing that {self.backend.facts.name} can pronounce"
            if why:
                notes.append(f"Line {line.id} {why}{_quoted(line.text)}: it stays silent.")
            else:
                spoken.append(line)
        return spoken, notes

    def recorded(self, line: Line) -> Take | None:
        """The take of the line that somebody recorded; None where nobody did.

        Raises:
            BadInputError: the store no longer has it.
        """
        direction = self.directions.get(line.id)
        if direction is None or not direction.recording:
            return None
        found = recording(self.store, direction.recording)
        if found is None:
            raise BadInputError(
                f"The recorded take of line {line.id} is no longer in the store.", "Send it again, or take it back."
            )
        return Take(line=line.id, audio=found.audio, duration_ms=found.duration_ms, voice=RECORDED)

    def take(self, line: Line, pace: float = 1.0) -> Take:
        """The line's best reading at a pace, stored or spoken now; the one that a person chose, where one did."""
        direction = self.directions.get(line.id)
        if direction is not None and direction.take and self.backend.facts.varies:
            return self._reading(line, pace, direction.take - 1)
        if self.readings == 1:
            return self._reading(line, pace, 0)
        found = [self._reading(line, 1.0, reading) for reading in range(self.readings)]
        scores = [score(line, take, self.ears, self.store) for take in found]
        best = min(range(self.readings), key=lambda reading: (scores[reading], reading))
        return found[best] if pace == 1.0 else self._reading(line, pace, best)

    def again(self, line: Line, pace: float, reading: int, settings: PaceSettings) -> Take:
        """A retake of the line, with longer pauses if it is too short.

        Args:
            line: the line, possibly respelled.
            pace: factor of the voice's own pace.
            reading: number of the reading.
            settings: limits of pauses.
        """
        return self._paused(line, self._reading(line, pace, reading), settings.pause_ms)

    def _reading(self, line: Line, pace: float, reading: int) -> Take:
        voice, clip = self._voice(line)
        pronounced = self._pronounced(line)
        self.unused.update(pronounced.unused)
        manner = self._manner(line, pronounced, reading)
        facts = {
            "text": pronounced.text,
            "voice": None if clip else voice,
            "language": self.language,
            "reference": file_sha256(clip)[0] if clip else None,
            "pace": pace,
            "manner": [manner.reading, manner.energy, manner.ipa],
        }
        key = step_key(_LINE, _VERSION, backend=self.backend.fingerprint(), inputs=facts)
        record = self.store.lookup(_LINE, key, Said)
        if record is None:
            with self.store.claim(key):  # concurrent runs do not pay for a line twice
                record = self.store.lookup(_LINE, key, Said)
                record = record or self._spoken(line, pronounced.text, voice, pace, manner, key)
        said = record.value
        return Take(
            line=line.id,
            audio=said.audio,
            duration_ms=said.duration_ms,
            voice=voice,
            phones=said.phones,
            pace=pace,
        )

    def _voice(self, line: Line) -> tuple[str, Path | None]:
        """The voice of a line, and the clip that it is cloned from; a voice that a person named is no clone."""
        direction = self.directions.get(line.id)
        if direction is not None and direction.voice:
            return direction.voice, None
        return self.voices[line.speaker], self.references.get(line.speaker)

    def _pronounced(self, line: Line) -> Pronounced:
        """With what a person says of words in this line before the lexicon."""
        direction = self.directions.get(line.id)
        own = tuple(Entry(*said) for said in direction.pronunciation) if direction is not None else ()
        known = {entry.word.casefold() for entry in own}
        entries = (*own, *(entry for entry in self.lexicon if entry.word.casefold() not in known))
        if own:
            entries = tuple(sorted(entries, key=lambda entry: (-len(entry.word), entry.word)))
        return pronounce(line.text, entries, self.language, ipa=self.backend.facts.ipa)

    def _manner(self, line: Line, pronounced: Pronounced, reading: int) -> Manner:
        energy = self.energies.get(line.id, 0.0) if self.backend.facts.spirited else 0.0
        return replace(PLAIN, reading=reading, energy=energy, ipa=pronounced.ipa)

    def _spoken(self, line: Line, text: str, voice: str, pace: float, manner: Manner, key: str) -> StepRecord[Said]:
        self.fresh.add(line.id)
        spoken = self.backend.synthesize(text, voice, self.language, self.folder / f"{key}.wav", pace, manner)
        self.characters += spoken.characters
        said = Said(
            audio=self.store.add(spoken.audio),
            duration_ms=spoken.duration_ms,
            phones=tuple(spoken.phones),
            characters=spoken.characters,
        )
        return self.store.commit(StepRecord[Said](step=_LINE, key=key, value=said))

    def paced(self, line: Line, speaker: float, settings: PaceSettings) -> Take:
        """The line as close to its slot as its speaker's pace allows.

        If it is still too short, its pauses are lengthened, then it is spoken more slowly if its actor does so.

        Args:
            line: the line.
            speaker: the speaker's pace.
            settings: limits of pace and pauses.
        """
        if (recorded := self.recorded(line)) is not None:
            return recorded
        slot_ms, reach = line.end_ms - line.start_ms, Reach.around(speaker, settings)
        plain = self._nearest(line, slot_ms, reach, settings.tries)
        take = self._paused(line, plain, settings.pause_ms)
        if not (self.backend.facts.paces and is_short(take.duration_ms, slot_ms)):
            return take
        spoken_ms = slot_ms - (take.duration_ms - plain.duration_ms)
        slower = self._nearest(line, spoken_ms, self._following(line, reach, settings), settings.tries)
        return self._paused(line, slower, settings.pause_ms)

    def _following(self, line: Line, reach: Reach, settings: PaceSettings) -> Reach:
        natural_rate = syllables(line.text, self.language) * 1000 / max(1, self._length_ms(line))
        return reach.following(natural_rate, self.rates.get(line.id, 0.0), settings)

    def _nearest(self, line: Line, wanted_ms: int, reach: Reach, tries: int) -> Take:
        """The closest of a limited number of takes; a single one at the right pace if the backend predicts lengths."""
        if not self.backend.facts.paces:
            return self.take(line)
        if isinstance(self.backend, LengthPredicting):
            return self.take(line, self._pace_for(line, wanted_ms, reach))
        takes = [self.take(line)]
        for _ in range(tries):
            last = takes[-1]
            pace = line_pace(last.duration_ms, last.pace, wanted_ms, reach)
            if is_near(last.duration_ms, wanted_ms) and reach.has(last.pace):
                return last
            if any(abs(take.pace - pace) < 0.005 for take in takes):
                break
            takes.append(self.take(line, pace))
        allowed = [take for take in takes if reach.has(take.pace)] or takes[-1:]
        return min(allowed, key=lambda take: abs(take.duration_ms - wanted_ms))

    def _pace_for(self, line: Line, wanted_ms: int, reach: Reach) -> float:
        """The allowed pace at which the line is closest to a length; its speaker's own if that is close enough."""
        facts = {**self._said(line), "wanted_ms": wanted_ms, "reach": reach}
        return found_or_made(
            self.store, _PACE, _VERSION, facts, float, lambda: self._pace_found(line, wanted_ms, reach)
        )

    def _pace_found(self, line: Line, wanted_ms: int, reach: Reach) -> float:
        if wanted_ms <= 0 or is_near(self._predicted_ms(line, reach.speaker), wanted_ms):
            return reach.speaker
        slowest, fastest = round(reach.slowest * 100), round(reach.fastest * 100)
        low, high = slowest, fastest
        while low < high:  # faster is shorter
            middle = (low + high) // 2
            if self._predicted_ms(line, middle / 100) > wanted_ms:
                low = middle + 1
            else:
                high = middle
        near = {low, max(low - 1, slowest)}
        return min(near, key=lambda pace: (abs(self._predicted_ms(line, pace / 100) - wanted_ms), pace)) / 100

    def _length_ms(self, line: Line, pace: float = 1.0) -> int:
        """Length of a line at a pace in milliseconds: predicted if the backend can, else spoken."""
        if not isinstance(self.backend, LengthPredicting):
            return self.take(line, pace).duration_ms
        facts = {**self._said(line), "pace": pace}
        return found_or_made(self.store, _LENGTH, _VERSION, facts, int, lambda: self._predicted_ms(line, pace))

    def _predicted_ms(self, line: Line, pace: float) -> int:
        assert isinstance(self.backend, LengthPredicting)
        pronounced = self._pronounced(line)
        manner = self._manner(line, pronounced, 0)
        return self.backend.predicted_ms(pronounced.text, self._voice(line)[0], self.language, pace, manner)

    def _said(self, line: Line) -> dict[str, Any]:
        """On what a predicted length depends besides the pace."""
        pronounced = self._pronounced(line)
        manner = self._manner(line, pronounced, 0)
        return {
            "backend": self.backend.fingerprint(),
            "text": pronounced.text,
            "voice": self._voice(line)[0],
            "language": self.language,
            "manner": [manner.energy, manner.ipa],
        }

    def _paused(self, line: Line, take: Take, most_ms: int) -> Take:
        slot_ms, count = line.end_ms - line.start_ms, marks(line.text)
        missing_ms = slot_ms - take.duration_ms
        if not count or missing_ms <= 0 or is_near(take.duration_ms, slot_ms):
            return take
        facts = {"audio": take.audio, "marks": count, "missing_ms": missing_ms, "most_ms": most_ms}
        key = step_key(_PAUSES, _VERSION, inputs=facts)
        record = self.store.lookup(_PAUSES, key, Lengthened)
        if record is None:
            samples, rate = soundfile.read(path_of(take.audio), dtype="float32")
            places = widening(samples, rate, count, missing_ms, most_ms)
            audio = None
            if places:
                out = self.folder / f"{key}.wav"
                write_wav(out, widened(samples, rate, places), rate)
                audio = self.store.add(out)
            made = Lengthened(audio=audio, places=tuple(places))
            record = self.store.commit(StepRecord[Lengthened](step=_PAUSES, key=key, value=made))
        audio, places = record.value.audio, record.value.places
        if audio is None:
            return take
        length_ms = take.duration_ms + sum(added for _, added in places)
        return take.model_copy(update={"audio": audio, "duration_ms": length_ms, "phones": moved(take.phones, places)})

    def paces(self, lines: Sequence[Line], settings: PaceSettings) -> dict[str, float]:
        """Every speaker's pace over these lines."""
        if not self.backend.facts.paces:
            return dict.fromkeys(self.voices, 1.0)
        lengths: dict[str, list[tuple[int, int]]] = {speaker: [] for speaker in self.voices}
        for line in (one for one in lines if self.recorded(one) is None):
            lengths[line.speaker].append((self._length_ms(line), line.end_ms - line.start_ms))
        return {speaker: speaker_pace(found, settings) for speaker, found in lengths.items()}


def _quoted(text: str) -> str:
    plain = " ".join(text.split())
    return f" (“{plain[:40]}”)" if plain else ""
