"""The engine's report: what was done, how well, how fast. What cannot be measured is null, with why."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lipsync_engine.media.staging import staged
from lipsync_engine.records import Settled


@dataclass(slots=True)
class EngineReport:
    """Figures of one resynchronised title.

    Attributes:
        frames: frames of the picture.
        edited: frames with a mouth that is seen to be changed (strength .2 or more; else ``imperceptible``).
        bypassed: reason to number of frames left as they are; ``frames = edited + sum(bypassed)``.
        spans: the picture in order, ``[begin ms, end ms, what]``: ``edited``, or the reason why it is left as it is.
        copied: frames whose packets were copied, neither decoded nor encoded.
        drawn: frames that were decoded, drawn into where there is an edit, and encoded.
        stretches: parts of the picture that are not copied.
        stretches_found: those of them that were found finished.
        portrait_frames: edited frames drawn by deforming the frame itself, for want of observations.
        faces: people that were edited.
        library_observations: mouths of the most edited person that the title offers.
        library_spread: how far those open, 5th to 95th percentile, face widths.
        phone_confidence: share of the dub's speech, by time, whose sounds bear out what the phones say.
        lines: stretches of the dub's speech: ``start_ms``, ``end_ms``, ``confidence`` (0 to 1) and ``rested``, why the
            mouth rests there; empty where it speaks.
        phone_agreement: share of sounds whose frames show the right class of mouth.
        closure_rate: share of bilabials at which the lips are seen to touch.
        open_closed_ratio: aperture on open vowels over aperture on bilabials.
        articulation_ratio: spread of the aperture in speech over the speaker's own.
        silence_motion: share of frames in pauses in which the mouth moves or is open.
        own_silence_motion: the same in the speaker's own pauses, in the source.
        silence_opening: median opening in pauses, face widths.
        own_silence_opening: the same in the speaker's own pauses, in the source.
        offset_frames: lag of the mouth behind what the phones ask for at their time.
        lead_ms: lead that the mouth was given.
        own_lag_ms: lag of the real mouth behind the title's own phones, where its script tells it clearly.
        offset_first_third: the same in the first third of the speech.
        offset_last_third: the same in the last third.
        drift_frames_60s: change of the lag in 60 s.
        phone_correlation: agreement with what the phones ask for, at that lag.
        av_correlation: correlation of aperture and loudness between 500 and 1500 Hz.
        plan_correlation: correlation of seen and planned aperture.
        source_partial_correlation: correlation with the source's mouth beyond the plan.
        source_leak_noise: standard deviation of that for a mouth that cannot have leaked; twice this means something.
        source_leak_share: share of the source's motion that is still seen.
        upper_face_retention: correlation of the motion of eyes and brows before and after the edit (1: unchanged).
        sharpness_ratio: Laplacian variance of the mouth region over the source's.
        seam_ratio: gradient of the change at the mask's edge over that inside.
        jitter_ratio: shaking of skin that speech hardly moves, over the source's at the same motion of the lips.
        place_offset: distance of the lips from where the source's lie at the same shape, face widths.
        open_teeth_share: share of the frames of open and rounded vowels that show closed teeth.
        rounded_wide_share: share of /u o y/ whose lips are wider than this speaker's usually are in speech.
        longest_hold_frames: most frames of speech in a row that show one frame of the source.
        blended_share: share of the frames of speech that show two frames of the source at once.
        mouth_sharpness_low: sharpness of a drawn mouth over that of the source about that moment; one in ten is less.
        mouth_sharpness_high: and one in ten is more.
        one_frame_openings: frames whose lips stand 3 mm apart, and together before and after.
        lip_speed_ratio: speed of the lips that one frame of speech in twenty exceeds, over that in the source's.
        lip_acceleration_ratio: the same of the change of that speed.
        outside_mask_max_diff: largest change outside the mask before encoding.
        fps: frames a second of the whole edit (decode, plan, render, encode).
        seconds: wall time by stage; ``measure`` re-tracks the result.
        peak_rss_mb: largest resident memory of the process.
        peak_vram_mb: largest GPU memory.
        device: where the picture was computed.
        controls: the speech figures of other mouths: ``real`` (source picture and sound), ``unmodified`` (source
            picture under the dub), ``shuffled`` (the result at other times), ``frozen``.
        missing: figure to the reason why it is null.
        notes: what a reviewer should know.
        settled: what each person's plan took from the whole of the dub, by number of the person.
    """

    frames: int = 0
    edited: int = 0
    bypassed: dict[str, int] = field(default_factory=dict)
    spans: list[tuple[int, int, str]] = field(default_factory=list)
    copied: int = 0
    drawn: int = 0
    stretches: int = 0
    stretches_found: int = 0
    portrait_frames: int = 0
    faces: int = 0
    library_observations: int | None = None
    library_spread: float | None = None
    phone_confidence: float | None = None
    lines: list[dict[str, object]] = field(default_factory=list)
    phone_agreement: float | None = None
    closure_rate: float | None = None
    open_closed_ratio: float | None = None
    articulation_ratio: float | None = None
    silence_motion: float | None = None
    own_silence_motion: float | None = None
    silence_opening: float | None = None
    own_silence_opening: float | None = None
    offset_frames: float | None = None
    lead_ms: float | None = None
    own_lag_ms: float | None = None
    offset_first_third: float | None = None
    offset_last_third: float | None = None
    drift_frames_60s: float | None = None
    phone_correlation: float | None = None
    av_correlation: float | None = None
    plan_correlation: float | None = None
    source_partial_correlation: float | None = None
    source_leak_noise: float | None = None
    source_leak_share: float | None = None
    upper_face_retention: float | None = None
    sharpness_ratio: float | None = None
    seam_ratio: float | None = None
    jitter_ratio: float | None = None
    place_offset: float | None = None
    open_teeth_share: float | None = None
    rounded_wide_share: float | None = None
    longest_hold_frames: int | None = None
    blended_share: float | None = None
    mouth_sharpness_low: float | None = None
    mouth_sharpness_high: float | None = None
    one_frame_openings: int | None = None
    lip_speed_ratio: float | None = None
    lip_acceleration_ratio: float | None = None
    outside_mask_max_diff: int | None = None
    fps: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    peak_rss_mb: float = 0.0
    peak_vram_mb: float | None = None
    device: str = "cpu"
    controls: dict[str, dict[str, float | None]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    settled: dict[int, Settled] = field(default_factory=dict)

    def to_json(self) -> str:
        """Stable, readable JSON with figures rounded to four places."""
        return json.dumps(_rounded(asdict(self)), indent=2, ensure_ascii=False) + "\n"

    def write(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        with staged(path) as part:
            part.write_text(self.to_json(), "utf-8")


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return value


def peak_memory_mb() -> float:
    """Largest resident set of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
