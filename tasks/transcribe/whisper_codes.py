"""Whisper's names of languages."""

from __future__ import annotations

from configs.languages import display_name, primary
from tasks.records.errors import UnsupportedError

#: Whisper's names where they differ from the BCP-47 primary subtag.
_CODES = {"nb": "no", "fil": "tl", "iw": "he", "jv": "jw", "cmn": "zh"}


def usual_code(language: str) -> str:
    """The name of a language for Whisper and compatible servers, whether or not they support it."""
    return _CODES.get(primary(language), primary(language))


def whisper_code(language: str, model: str) -> str:
    """Whisper's name of a language.

    Args:
        language: BCP-47 tag.
        model: a name or a path; those that end in ``.en`` know only English.

    Raises:
        UnsupportedError: Whisper, or this model, does not support the language.
    """
    from whisper.tokenizer import LANGUAGES

    code = usual_code(language)
    if code not in LANGUAGES:
        raise UnsupportedError(
            f"Whisper does not support {display_name(language)} ({language}).", "Supply subtitles.", language=language
        )
    if model.removesuffix(".pt").endswith(".en") and code != "en":  # it would write English, whatever it hears
        raise UnsupportedError(
            f"The Whisper model {model!r} supports only English, not {display_name(language)} ({language}).",
            "Choose the model without .en (transcribe.options.model), or supply subtitles.",
            language=language,
        )
    return code
