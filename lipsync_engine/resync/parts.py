"""Each person's share of a dub: how that mouth is planned to move, and what is shown of it at each frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.exchange.graft import Foreign, grafted
from lipsync_engine.faces.facetrack import FaceTrack
from lipsync_engine.faces.mouth import prior_stats, series, speaker_stats
from lipsync_engine.faces.speakers import speaking
from lipsync_engine.media.shelf import NOTHING_KEPT, Kept
from lipsync_engine.media.stretches import bounds_of
from lipsync_engine.plan.edit import Score, compose_score
from lipsync_engine.plan.habits import lead_of, learn
from lipsync_engine.plan.person import Person, hearing, person
from lipsync_engine.plan.trajectory import plan_mouth
from lipsync_engine.records import BoolArray, MouthPlan, MouthSeries, Phone, Settled, SpeakerStats
from lipsync_engine.resync.options import Options
from lipsync_engine.speech.title_speech import OwnSpeech


@dataclass(frozen=True, slots=True)
class Part:
    """One person's share of the edit; ``painted`` knows the other pictures that are drawn from, too."""

    identity: int
    who: Person
    painted: Person
    score: Score
    plan: MouthPlan
    stats: SpeakerStats
    source: MouthSeries
    lead_ms: float
    own_lag_ms: float | None

    @property
    def edits(self) -> bool:
        """Whether any frame is drawn for this person."""
        return len(self.score.row) > 0


def parts_of(
    track: FaceTrack,
    speakers: dict[int, BoolArray],
    phones: tuple[Phone, ...],
    options: Options,
    own: OwnSpeech | None,
    level_db: NDArray[np.float64],
    foreign: Foreign | None,
    settled: Mapping[int, Settled] | None = None,
    kept: Kept = NOTHING_KEPT,
) -> list[Part]:
    """What is planned for every person who carries the dub at some moment.

    Args:
        track: the analysis.
        speakers: identity to the frames, bool [T], at which that person carries the dub.
        phones: what the dub says, on its clock.
        options: how to edit.
        own: what the title itself says and how it sounds, where known.
        level_db: float64 [hops], the dub's level as ``speech.emphasis.level_of`` gives it.
        foreign: mouths that another system made.
        kept: where what is looked at once a title is found, and kept.
        settled: identity to what that person's plan shall take from a whole dub other than this.
    """
    parts = []
    for identity, active in speakers.items():
        mouth = series(track, identity)
        if not (active & mouth.valid).any():
            continue
        who = hearing(person(track, identity, kept), own.phones if own is not None else None)
        stats = (
            _stats(track, active, mouth, own)
            if who.library.moves
            else prior_stats(mouth, who.smile.parted, who.smile.narrower)
        )
        lag_s = None
        if own is not None and own.phones is not None and who.library.moves:
            learnt = learn(mouth, own.phones, stats, active)
            stats, lag_s = learnt.stats, learnt.lag_s
        lead_ms = lead_of(lag_s) if options.lead_ms is None else options.lead_ms
        plan = plan_mouth(
            phones,
            track.times_s,
            stats,
            strength=options.strength,
            expression=options.expression,
            lead_ms=lead_ms,
            mode=options.mode,
            level_db=level_db,
            own_spread_db=None if own is None else own.vowel_spread_db(kept),
            settled=(settled or {}).get(identity),
        )
        own_lag_ms = None if lag_s is None else 1000 * lag_s
        painted, score = who, compose_score(who, plan, active, bounds_of(track.times_s, track.shots, track.speech))
        if foreign is not None:
            painted, score = grafted(who, score, foreign, active)
        parts.append(Part(identity, who, painted, score, plan, stats, mouth, lead_ms, own_lag_ms))
    return parts


def _stats(track: FaceTrack, active: BoolArray, mouth: MouthSeries, own: OwnSpeech | None) -> SpeakerStats:
    """The person's own mouth, in speech and in silence where the title's sound or script tells them apart."""
    spans = speaking(track, active)
    if own is None:
        return speaker_stats(mouth, spans)
    heard = own.speaking(track.times_s) & active
    return speaker_stats(mouth, heard if spans is None else heard & spans, own.settled(track.times_s))


def drawn_by(parts: list[Part], frames: int) -> BoolArray:
    """Frames in which some person's mouth is drawn, bool [frames]."""
    drawn = np.zeros(frames, bool)
    for part in parts:
        drawn |= edited_by(part.score, frames)
    return drawn


def edited_by(score: Score, frames: int) -> BoolArray:
    """Frames that one person's edit draws into, bool [frames]."""
    out = np.zeros(frames, bool)
    out[score.frame[score.frame < frames]] = True
    return out
