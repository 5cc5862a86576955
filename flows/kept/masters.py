"""Recognises masters that Polydub delivered, so that they are not dubbed again by accident. No Prefect."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tasks.keep.store import store_at, store_place, text_sha256
from tasks.package.mark import dubbed_into
from tasks.records.errors import BadInputError

_NAMED = 3  # files in a note


def languages_of_master(path: Path) -> tuple[str, ...]:
    """As `dubbed_into`, remembered as long as the file does not change."""
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return ()
    store = store_at(store_place())
    key = text_sha256(json.dumps([str(path.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]))
    known = store.read_note("mark", key)
    if not isinstance(known, list):
        known = list(dubbed_into(path))
        store.write_note("mark", key, known)
    return tuple(known)


def refuse_masters(videos: Sequence[str]) -> None:
    """Check files that were named one by one.

    Raises:
        BadInputError: one of them is a master.
    """
    for video in videos:
        if languages := languages_of_master(Path(video).expanduser()):
            raise BadInputError(
                f"{video!r} is a master that Polydub made ({', '.join(languages)}), not an original.",
                "Name the original; `polydub run --from-master` dubs it all the same.",
            )


def without_masters(videos: Sequence[Path]) -> tuple[list[Path], str]:
    """The sources among files of a folder or pattern, and a note on masters that were left out."""
    masters = [video for video in videos if languages_of_master(video)]
    if not masters:
        return list(videos), ""
    more = f" and {len(masters) - _NAMED} more" if len(masters) > _NAMED else ""
    named = ", ".join(video.name for video in masters[:_NAMED])
    return [video for video in videos if video not in masters], f"Left out, being masters of Polydub: {named}{more}."
