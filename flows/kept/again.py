"""A delivered language that is dubbed again: as it was asked for, with the edits made since. No Prefect."""

from __future__ import annotations

from pathlib import Path

from flows.kept import links
from tasks.keep.digests import Digests
from tasks.keep.folder import Folder
from tasks.keep.store import store_place, store_root
from tasks.records.errors import BadInputError
from tasks.records.title import Run


def as_asked(folder: Path, language: str) -> Run:
    """The run that delivered a title last, for one language.

    Args:
        folder: the title's.
        language: BCP-47 tag of a dub that it has.

    Raises:
        BadInputError: this store does not know how it was asked for, or its source is another file now.
    """
    run = links.asked_run(links.key_of(str(folder.absolute())))
    if run is None:
        raise BadInputError(
            f"How {folder} was dubbed is not known in this store.", "Dub it once more with `polydub run`."
        )
    title = run.title
    digests = Digests(Folder(store_root()))
    given = [
        title.video,
        *filter(None, (title.subtitles, title.bed)),
        *title.dubs.values(),
        *title.translations.values(),
    ]
    for asset in given:
        if asset.uri.startswith("/") and not digests.are(Path(asset.uri), asset.sha256, asset.bytes):
            raise BadInputError(
                f"{asset.uri} is gone, or another file than the dub was made from.",
                "Put it back, or dub the title with `polydub run`.",
            )
    return run.model_copy(
        update={"title": title.model_copy(update={"languages": (language,)}), "store": str(store_place()), "batch": ""}
    )
