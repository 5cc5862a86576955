"""A dub's script out for editing and back: edited lines win over the translator's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from configs.languages import LanguageError, parse_language
from flows.branches import keep_edits_of, known_edits_of
from tasks.errors import BadInputError


def export_script(folder: Path, language: str) -> str:
    """The lines of a delivered dub with their source text, as JSON.

    Raises:
        BadInputError: the folder or the language is not there.
    """
    title, dub = _delivered(folder, language)
    source = {line["id"]: line for line in title["script"]["lines"]}
    lines = [
        {
            "id": line["id"],
            "start_ms": line["start_ms"],
            "end_ms": line["end_ms"],
            "speaker": line["speaker"],
            "source": source.get(line["id"], {}).get("text", ""),
            "text": line["text"],
        }
        for line in dub["lines"]
    ]
    return json.dumps(
        {"title": title["title"], "language": dub["language"], "lines": lines}, indent=2, ensure_ascii=False
    )


def import_script(folder: Path, language: str, file: Path) -> int:
    """Keep the lines that a person changed; returns how many.

    Raises:
        BadInputError: the file is no script of this dub.
    """
    title, dub = _delivered(folder, language)
    try:
        edited = {int(line["id"]): str(line["text"]).strip() for line in json.loads(file.read_text("utf-8"))["lines"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(
            f"{file} is not an edited script: {error!r}.", "Edit what `polydub script export` wrote."
        ) from error
    current = {line["id"]: line["text"] for line in dub["lines"]}
    if unknown := sorted(set(edited) - set(current)):
        raise BadInputError(f"{file} has lines that the dub has not: {unknown}.", "Keep the ids as exported.")
    changed = {str(number): text for number, text in edited.items() if text != current[number]}
    video, tag = title["source"]["sha256"], dub["language"]
    keep_edits_of(video, tag, {**known_edits_of(video, tag), **changed})
    return len(changed)


def _delivered(folder: Path, language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        tag = parse_language(language)
        title = json.loads((folder / "title.json").read_bytes())
        return title, json.loads((folder / tag / "script.json").read_bytes())
    except LanguageError as error:
        raise BadInputError(str(error)) from error
    except (OSError, ValueError) as error:
        raise BadInputError(f"{folder} holds no dub in {language}.", "Run `polydub run` first.") from error
