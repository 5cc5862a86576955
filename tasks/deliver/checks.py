"""A preset's rules, held against the files that were made. What breaks a rule of form is not delivered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tasks.media import door
from tasks.records.errors import PermanentError
from tasks.records.quality import Gate
from tasks.records.record import Asset
from tasks.sound.target import Target

#: Of shorter programmes no loudness range is stated.
_RANGE_FROM_MS = 60_000
_SHOWN = ("-show_streams", "-show_format", "-show_chapters", "-of", "json")


def looked_at(path: Path) -> dict[str, Any]:
    """What ffprobe says of a file: ``streams``, ``format``, ``chapters``."""
    found: dict[str, Any] = json.loads(door.answer(path, *_SHOWN))
    return found


def streams_of(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The streams of one kind.

    Args:
        found: as `looked_at` returns it.
        kind: ``video``, ``audio`` or ``subtitle``.
    """
    return [stream for stream in found["streams"] if stream["codec_type"] == kind]


@dataclass
class Checks:
    """The rules that were held against a preset's files.

    Attributes:
        gates: each with what was measured.
    """

    gates: list[Gate] = field(default_factory=list)

    def same(self, rule: str, found: Any, wanted: Any, where: str) -> None:
        """A rule of form.

        Args:
            rule: its name.
            found: in the file.
            wanted: by the preset.
            where: the file.

        Raises:
            PermanentError: they differ.
        """
        self.true(rule, found == wanted, where, f"{found}, not {wanted}", str(wanted))

    def true(self, rule: str, holds: bool, where: str, otherwise: str, note: str = "") -> None:
        """A rule of form that is no plain comparison.

        Args:
            rule: its name.
            holds: whether it is kept.
            where: the file.
            otherwise: what is there instead.
            note: what was found, for the summary.

        Raises:
            PermanentError: it is not kept.
        """
        if not holds:
            raise PermanentError(
                f"{where} breaks the rule {rule}: {otherwise}.", "Nothing of this preset is delivered."
            )
        self.gates.append(Gate(name=rule, value=None, note=f"{where}: {note}" if note else where))

    def level(self, target: Target, level_lufs: float, true_peak_dbtp: float, where: str) -> None:
        """Loudness and true peak; a miss is delivered, to be looked at.

        Args:
            target: what was aimed at.
            level_lufs: what counts for it, measured on the file.
            true_peak_dbtp: of the file.
            where: the file.
        """
        off = round(level_lufs - target.lufs, 2)
        missed = abs(off) > target.tolerance_lu
        self.gates.append(
            Gate(
                name="loudness_lu",
                value=off,
                fail=target.tolerance_lu,
                status="fail" if missed else "pass",
                note=f"{where}: {level_lufs:.1f} LUFS, {target.name} asks for {target.lufs:.1f}",
            )
        )
        over = true_peak_dbtp > target.true_peak_dbtp
        self.gates.append(
            Gate(
                name="true_peak_dbtp",
                value=true_peak_dbtp,
                fail=target.true_peak_dbtp,
                status="fail" if over else "pass",
                note=where,
            )
        )

    def range_lu(self, value: float, asked: tuple[float, float], duration_ms: int, where: str) -> None:
        """Loudness range; one outside what is asked for warns. It means nothing of less than a minute (EBU Tech 3342).

        Args:
            value: LRA as measured, in LU.
            asked: the least and the most that is asked for.
            duration_ms: of the programme.
            where: the file.
        """
        least, most = asked
        if duration_ms < _RANGE_FROM_MS:
            note = f"{where}: {value:.1f} LU, of less than a minute"
            self.gates.append(Gate(name="range_lu", value=None, status="unmeasured", note=note))
            return
        status: Literal["pass", "warn"] = "pass" if least <= value <= most else "warn"
        note = f"{where}: {value:.1f}, asked for {least:g} to {most:g}"
        self.gates.append(Gate(name="range_lu", value=value, warn=most, status=status, note=note))


#: What a packager makes: files by their path below the preset's folder (an asset where nothing is written), the rules
#: that they keep, and notes for the user.
Packed = tuple[dict[str, Path | Asset], Checks, tuple[str, ...]]
