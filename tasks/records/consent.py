"""Who agreed that a voice is cloned or a face is sent to a service: a YAML file of the user, checked before a run.

::

    - who: Anna                # as the subtitles name her; "*": everybody who is seen and heard
      what: [voice, face]
      when: 2026-10-01
      scope: dubbing into Spanish and French, to be shown until 2028
      titles: [talk]           # file names without ending; "*": all
      reference: C-2026-117    # optional: where it is filed; content credentials name it, and nothing else of this
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from tasks.records.errors import BadInputError
from tasks.records.small_yaml import read_yaml
from tasks.records.title import Consent, ConsentSubject

_ALL = "*"


def read_consent(path: Path) -> tuple[Consent, ...]:
    """The records of a file.

    Raises:
        BadInputError: it cannot be read, or a record lacks something.
    """
    try:
        listed = read_yaml(path)
        return TypeAdapter(tuple[Consent, ...]).validate_python(listed)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadInputError(
            f"Consent file {str(path)!r}: {where}: {first['msg']}.",
            "Each record needs who, what (voice, face), when (a date), scope and titles.",
        ) from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise BadInputError(f"Consent file {str(path)!r} cannot be read: {reason}.", "Check the path.") from error


def agreed(
    records: Sequence[Consent], title: str, needed: dict[ConsentSubject, str], speakers: Sequence[str]
) -> tuple[Consent, ...]:
    """The records of a title, where they cover what is to be done.

    Args:
        records: all that there are.
        title: its name.
        needed: what is to be used, and what for.
        speakers: who speaks, where that is known beforehand; else one record at least is asked for.

    Raises:
        BadInputError: a speaker has not agreed.
    """
    ours = [record for record in records if title in record.titles or _ALL in record.titles]
    for what, purpose in needed.items():
        agreeing = {record.who for record in ours if what in record.what}
        lacking = [who for who in speakers if not agreeing & {who, _ALL}] if speakers else []
        if lacking or not agreeing:
            whose = ", ".join(lacking) or "the people"
            raise BadInputError(
                f"Title {title!r}: {purpose} needs the consent of {whose} ({what}).",
                "Name a file of consent records with --consent, or choose a backend that needs none.",
            )
    return tuple(ours)
