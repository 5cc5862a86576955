"""What a file is, by all that it says of itself and all that is known of it: do the signs agree? No Prefect.

A sign is a file's content credentials, the mark in its comment, a watermark in its sound, or its content in this store.
The mark proves nothing, for anybody can write it; sound credentials of a known signer do, and so does a store that
delivered exactly this file.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from configs.languages import LanguageError, display_name, parse_language
from flows.kept.heard import listened_to
from tasks.keep.digests import file_sha256
from tasks.keep.store import store_place
from tasks.keep.whose import Owner, owners
from tasks.media import door
from tasks.package.mark import Mark, mark_of
from tasks.records.errors import BadInputError, PolydubError
from tasks.records.made import Watermark
from tasks.sign.formats import SIDECAR
from tasks.sign.read import Credentials, Dub, credentials_of
from tasks.words.visible import visible

#: ``confirmed``: something proves what the file says, and nothing speaks against it; ``contradicted``: signs do not
#: agree, or credentials do not hold; ``unconfirmed``: nothing speaks against it, and nothing proves it.
Verdict = Literal["confirmed", "contradicted", "unconfirmed"]
Proof = Literal["proves", "says", "contradicts", "nothing"]


@dataclass(frozen=True)
class Sign:
    """One sign of a file.

    Attributes:
        name: ``credentials``, ``mark``, ``store`` or ``watermark``.
        proof: what comes of it.
        words: the same for people.
    """

    name: str
    proof: Proof
    words: str


@dataclass(frozen=True)
class Verified:
    """What a file is.

    Attributes:
        file: as it was named.
        kind: of file, in words.
        sha256: of its content.
        signs: one after another.
        credentials: as they were read.
        mark: in its comment; None for none.
        owners: titles that this store delivered it for.
        watermark: that is heard in its sound; None where nobody listened.
    """

    file: str
    kind: str
    sha256: str
    signs: tuple[Sign, ...]
    credentials: Credentials
    mark: Mark | None
    owners: tuple[Owner, ...]
    watermark: Watermark | None = None

    @property
    def verdict(self) -> Verdict:
        """What all signs together come to."""
        proofs = {sign.proof for sign in self.signs}
        if "contradicts" in proofs:
            return "contradicted"
        return "confirmed" if "proves" in proofs else "unconfirmed"

    @property
    def summary(self) -> str:
        """What it is, in a sentence or two."""
        what = _what(self)
        if self.verdict != "confirmed" and what.startswith("A dub"):
            what = f"It says that it is a{what[1:]}"
        return f"{what} {_OF[self.verdict]}"

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "file": self.file,
            "verdict": self.verdict,
            "summary": self.summary,
            "kind": self.kind,
            "sha256": self.sha256,
            "signs": [{"sign": one.name, "proof": one.proof, "words": one.words} for one in self.signs],
            "credentials": self.credentials.model_dump(mode="json"),
            "mark": vars(self.mark) if self.mark else None,
            "store": [vars(one) for one in self.owners],
            "watermark": self.watermark.model_dump(mode="json") if self.watermark else None,
        }


_MOST = 40  # languages that are named, and characters of one that is none
_OF = {
    "confirmed": "This is confirmed.",
    "contradicted": "Its signs do not agree: do not rely on what it says.",
    "unconfirmed": "Nothing proves it.",
}


def verified(file: str, anchors: str, *, listen: bool = False) -> Verified:
    """Look at a file.

    Args:
        file: any file of anybody.
        anchors: PEM of the certificates that are trusted; empty: nobody is.
        listen: whether a watermark is looked for in its sound.

    Raises:
        BadInputError: there is no such file, or it cannot be opened.
    """
    path = _opened(file)
    digest, size = file_sha256(path)
    credentials, mark, known = credentials_of(path, anchors), mark_of(path), owners(store_place(), digest)
    heard = listened_to(path) if listen else None
    signs = (
        _of_credentials(path, credentials, mark),
        _of_mark(credentials, mark),
        _of_watermark(heard, credentials, mark),
        _of_store(known, credentials, mark),
    )
    return Verified(
        file=file,
        kind=_kind(path, size),
        sha256=digest,
        signs=signs,
        credentials=credentials,
        mark=mark,
        owners=known,
        watermark=heard,
    )


def _opened(file: str) -> Path:
    path = Path(file).expanduser()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInputError(f"{file!r} is not a file.", "Name a file.")
        with path.open("rb"):
            return path.absolute()
    except OSError as error:
        raise BadInputError(f"{file!r} cannot be opened: {error.strerror}.", "Check the path.") from error
    except ValueError as error:
        raise BadInputError(f"{file!r} is not a file name.", "Check the path.") from error


def _kind(path: Path, size: int) -> str:
    if not size:
        return "an empty file"
    if path.suffix.lower() == SIDECAR:
        return "credentials that belong beside another file: name that file"
    try:
        shown = ("-show_entries", "format=format_name:stream=codec_type,codec_name", "-of", "json")
        found = json.loads(door.answer(path, *shown))
        streams = [f"{one['codec_type']} {one.get('codec_name', '')}".strip() for one in found["streams"]]
        return visible(f"{found['format']['format_name'].split(',')[0]} ({', '.join(dict.fromkeys(streams))})")
    except (PolydubError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return "no picture or sound that can be read"


def _of_credentials(path: Path, found: Credentials, mark: Mark | None) -> Sign:
    where = f" in {found.beside}" if found.beside else ""
    why = "; ".join(found.why)
    if found.state == "none":
        lost = " A dub that was signed has lost them: they were removed, or the file was written again." if mark else ""
        moved = " A Matroska file has them beside it, in a .c2pa file." if mark and path.suffix == ".mkv" else ""
        return Sign("credentials", "nothing", f"It has no content credentials.{lost}{moved}")
    if found.state == "broken":
        return Sign("credentials", "nothing", f"The file is damaged; whether it has credentials cannot be read: {why}.")
    if found.state == "unreadable":
        return Sign("credentials", "contradicts", f"Its content credentials{where} are damaged: {why}.")
    if found.state == "invalid":
        return Sign("credentials", "contradicts", f"Its content credentials{where} do not hold: {why}.")
    signed = f"Signed by {found.signer}{f' on {found.time}' if found.time else ''}{where}; not changed since"
    if found.state == "trusted":
        return Sign("credentials", "proves", f"{signed}. The signer is on the trust list.")
    return Sign("credentials", "says", f"{signed}. But {why or 'the signer is on no trust list that was given'}.")


def _of_mark(credentials: Credentials, mark: Mark | None) -> Sign:
    if mark is None:
        return Sign("mark", "nothing", "Its comment has no mark of a dub.")
    told = f"Its comment says: dub into {_named(mark.languages)}, {_synthetic(mark.synthetic_speech)}"
    told += ", mouths changed." if mark.altered_picture else ", mouths not changed."
    if not (credentials.sound and credentials.dub):
        return Sign("mark", "says", told)
    if different := _differences(credentials.dub, mark):
        return Sign("mark", "contradicts", f"{told} Its credentials say otherwise: {', '.join(different)}.")
    return Sign("mark", "says", f"{told} Its credentials say the same.")


def _differences(dub: Dub, mark: Mark) -> list[str]:
    """What credentials say otherwise than the mark."""
    found = []
    if dub.dubbed != mark.languages:
        found.append(f"dub into {_named(dub.dubbed)}")
    if dub.synthetic_speech != mark.synthetic_speech:
        found.append(_synthetic(dub.synthetic_speech))
    if dub.altered_picture != mark.altered_picture:
        found.append("mouths changed" if dub.altered_picture else "mouths not changed")
    return found


def _of_watermark(heard: Watermark | None, credentials: Credentials, mark: Mark | None) -> Sign:
    """What is heard: found, it says that a machine speaks; not found, it says nothing, for much takes it away."""
    if heard is None:
        return Sign("watermark", "nothing", "Nobody listened for a watermark.")
    if heard.verdict == "not measured":
        return Sign("watermark", "nothing", f"No watermark was looked for: {heard.note}")
    if heard.verdict == "not found":
        return Sign("watermark", "nothing", "No watermark of synthetic speech is heard, which proves nothing.")
    told = f"A watermark of synthetic speech is heard ({heard.backend}, {heard.score:.2f} of 1)."
    said = credentials.dub if credentials.sound else None
    synthetic = said.synthetic_speech if said and said.dubbed else mark.synthetic_speech if mark else None
    if synthetic is False:
        return Sign("watermark", "contradicts", f"{told} It is said to be recorded speech.")
    return Sign("watermark", "says", told)


def _of_store(known: tuple[Owner, ...], credentials: Credentials, mark: Mark | None) -> Sign:
    if known:
        names = ", ".join(f"{one.place} of {one.title}" for one in known)
        return Sign("store", "proves", f"This store delivered exactly this file: {visible(names)}.")
    ours = mark is not None or credentials.dub is not None
    more = " It was changed since, made elsewhere, or its results were removed." if ours else ""
    return Sign("store", "nothing", f"This store delivered no such file.{more}")


def _what(found: Verified) -> str:
    """What the file says it is."""
    said = found.credentials.dub if found.credentials.sound else None
    if said and said.part == "bed":
        return "Music and effects of a title that Polydub dubbed."
    if said and said.dubbed:
        return _dub(said.dubbed, said.synthetic_speech, said.altered_picture)
    if found.mark:
        return _dub(found.mark.languages, found.mark.synthetic_speech, found.mark.altered_picture)
    if found.watermark and found.watermark.verdict == "found":
        return "A file with synthetic speech, by the watermark in it."
    if found.owners:
        return f"A file that this store delivered: {visible(found.owners[0].place)}."
    if found.credentials.sound:
        synthetic = any(action.synthetic for action in found.credentials.actions)
        made = f" made with {found.credentials.made_with}" if found.credentials.made_with else ""
        return f"A file{made}; {'something in it is synthetic' if synthetic else 'it names nothing synthetic'}."
    return f"No dub that is known here: {found.kind}."


def _dub(languages: tuple[str, ...], synthetic: bool, altered: bool) -> str:
    mouths = " and changed mouths" if altered else ""
    return f"A dub into {_named(languages)} by Polydub, with {_synthetic(synthetic)}{mouths}."


def _named(languages: tuple[str, ...]) -> str:
    """Languages by name; what is none stays as it is written."""
    names = []
    for tag in languages[:_MOST]:
        try:
            names.append(display_name(parse_language(tag)))
        except LanguageError:
            names.append(tag[:_MOST])
    return visible(", ".join(names)) or "no language"


def _synthetic(speech: bool) -> str:
    return "synthetic speech" if speech else "recorded speech"
