"""Sounds in capitals without brackets, as in teletext: ``APPLAUSE``, ``DOOR SLAMS``. Doubtful text counts as words."""

from __future__ import annotations

import re

_SOUND_WORDS = """
applause laughter music cheering cheers chatter gunfire gunshot gunshots explosion explosions thunder sirens siren
footsteps static birdsong hubbub screams shouts whispers sobs moans groans murmuring clapping fanfare ringtone
applaus gelächter musik beifall jubel applaudissements rires musique acclamations aplausos risas música risos
applausi risate musica gelach muziek applåder skratt latter bifald naurua taputusta oklaski śmiech muzyka
аплодисменты смех музыка оплески сміх музика χειροκροτήματα γέλια μουσική alkışlar gülüşmeler müzik
"""
_SOUNDING_WORDS = """
slam ring buzz bark sigh laugh gasp scream shout cough sneeze sob cry groan moan cheer applaud clap knock beep blare
honk hoot wail whistle creak squeak screech thud crash bang rumble roar growl snarl hiss howl whimper whine chirp tweet
neigh bleat moo miaow meow snore sniff pant grunt giggle chuckle murmur mutter whisper hum sing play fade chime toll
tick rattle clatter clink jingle rustle splash explode backfire rev shatter smash snap click whirr squeal shriek yell
"""
_BY_PEOPLE_WORDS = "they crowd audience people children all both men women everyone"
#: Words of somebody who speaks: to others, of himself, or of what is not.
_TALK_WORDS = """
i me my mine we us our you your it who what why how when where no not never stop wait keep start quit begin is are was
were be am let turn play give hear love need more make face sound listen please help go come get don't can't won't let's
i'm i'll i've you're we're he's she's it's that's there's who's what's this these cut want
"""
_SOUNDS, _TALK, _BY_PEOPLE = (frozenset(words.split()) for words in (_SOUND_WORDS, _TALK_WORDS, _BY_PEOPLE_WORDS))
_SOUNDING = frozenset(_SOUNDING_WORDS.split())
_SOUND_LABELS = frozenset({"music", "song", "sound", "sounds", "sfx", "musik", "musique", "música", "musica"})
_CLOSED = tuple('.?!…,;:-–—"”')
_MOST_WORDS = 6
#: Where a sentence ends amid a row, and the word before.
_ENDED = re.compile(r"""(\w+)[.?!…]+["”»)]?(?=\s+\S)""")
#: What a point shortens, besides single letters: names go on behind it.
_SHORTENED_WORDS = "mr mrs ms dr st prof sr jr rev gen col sgt lt capt hr fr dra sra srta mme mlle vs"
_SHORTENED = frozenset(_SHORTENED_WORDS.split())


def sound(text: str) -> bool:
    """Whether a text in capitals describes a sound and cannot be dialogue."""
    words = _words(text)
    if not text.isupper() or text.rstrip().endswith(_CLOSED) or not 0 < len(words) <= _MOST_WORDS:
        return False
    if _TALK & set(words):
        return False
    noun = words[0] in _SOUNDS or (words[-1] in _SOUNDS and "the" not in words[-2:])
    return noun or any(_sounding(words, place) for place in range(len(words)))


def doubtful(text: str) -> bool:
    """Whether a text in capitals, treated as dialogue, could also be a sound or a sign."""
    words = _words(text)
    if not text.isupper():
        return False
    if text.rstrip().endswith(_CLOSED):
        return len(words) < 3 and bool(_SOUNDS & set(words))
    return len(words) > 1 or len("".join(words)) > 4


def music(label: str) -> bool:
    """Whether a label before a colon names a sound, not a speaker."""
    return label.isupper() and label.casefold() in _SOUND_LABELS


def without_sounds(text: str) -> str:
    """Remove rows in capitals that describe sounds among rows of sentences.

    Args:
        text: rows by line breaks.
    """
    if sound(text):
        return ""
    if text.isupper():
        return text
    rows = text.split("\n")
    kept = [row for place, row in enumerate(rows) if not (sound(row) and _apart(rows, place))]
    return "\n".join(_until_sound(row, last=place == len(kept) - 1) for place, row in enumerate(kept))


def _until_sound(row: str, *, last: bool) -> str:
    """A row without the sound behind its last finished sentence, ``Thank you. APPLAUSE``; ``last``: nothing follows."""
    ends = list(_ENDED.finditer(row))
    if not last or not ends or len(ends[-1][1]) == 1 or ends[-1][1].casefold() in _SHORTENED:
        return row
    said, rest = row[: ends[-1].end()], row[ends[-1].end() :].strip()
    return said if sound(rest) and not said.isupper() else row


def _apart(rows: list[str], place: int) -> bool:
    """Whether no sentence runs through a row."""
    before, after = rows[place - 1] if place else "", rows[place + 1] if place + 1 < len(rows) else ""
    return (not before or before.isupper() or before.endswith(_CLOSED)) and not after[:1].islower()


def _sounding(words: list[str], place: int) -> bool:
    """``slams``, ``slamming``; ``bark`` only of many, ``dogs bark``, or it could be an order."""
    word = words[place]
    if word.endswith("ing"):
        stem = word[:-3]
        return bool({stem, stem + "e", stem[:-1]} & _SOUNDING) and word not in _SOUNDING
    if word not in _SOUNDING:
        return place > 0 and bool({word[:-1], word[:-2], word[:-3] + "y"} & _SOUNDING) and word.endswith("s")
    return place > 0 and place == len(words) - 1 and (words[place - 1] in _BY_PEOPLE or words[place - 1].endswith("s"))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", text.casefold().replace("’", "'"))
