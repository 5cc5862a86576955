"""A title's name and description in the language of a dub, by the translator of its lines and its glossary."""

from __future__ import annotations

from tasks.keep.store import Store
from tasks.records.delivery import Named
from tasks.records.errors import PolydubError, is_transient
from tasks.records.script import Line, Script
from tasks.translate.chain import Chain
from tasks.translate.lines import Lines


def in_language(named: Named, language: str, translators: Chain, store: Store) -> tuple[Named, tuple[str, ...]]:
    """The same in another language, and notes; untranslated where no translator can, with a note.

    Args:
        named: in the language of the source.
        language: BCP-47 tag.
        translators: of the profile.
        store: where translated lines are kept.

    Raises:
        PolydubError: of a kind that may pass.
    """
    texts = [named.title, *named.description.split("\n")]
    lines = tuple(
        Line(id=number, start_ms=number, end_ms=number + 1, text=text) for number, text in enumerate(texts) if text
    )
    try:
        translators.route(named.language, language)
        done = Lines(store, translators, Script(language=named.language, lines=lines), language).translated({})
    except PolydubError as error:
        if is_transient(error):
            raise
        note = f"{language}: title and description stay as in the source ({error.what})"
        return named.model_copy(update={"language": language, "translated": False}), (note,)
    said = [done.texts.get(number, "") for number in range(len(texts))]
    name = Named(language=language, title=said[0], description="\n".join(said[1:]))
    return name, tuple(f"{language}, title and description: {note}" for note in done.notes)
