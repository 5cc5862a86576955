"""Labels in front of words that name who speaks: ``ANNA:``, ``MAN #1:``; and words that look like one, ``WARNING:``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tasks.transcribe.capitals import sound

_FRONT = r"([^\W\d_][\w .,'’&/#()\-・]{0,38}?)\s?"
_LABEL = re.compile(_FRONT + r"(?::\s+|：\s*)(?=\S)")
_ALONE = re.compile(_FRONT + r"[:：]\s*$")
_MANNER = re.compile(r"\s*\([^()]*\)")
_NUMBER = re.compile(r"\s*(?:#\s*)?\d+$|\s+(?:[A-Z]|ONE|TWO|THREE|FOUR|FIVE)$")
_SENTENCE = re.compile(r"\w{4,}[.,] ")
_OFTEN = 3  # that words in small letters stand in front before they are taken for a name
_MOST_WORDS = 4
_PEOPLE_WORDS = """
man woman men women boy girl boys girls child children kid kids baby guy lady gentleman male female narrator announcer
reporter anchor host presenter interviewer voice crowd all both everyone audience chorus group officer cop police
soldier captain doctor dr mr mrs ms miss nurse teacher student driver waiter waitress clerk guard judge lawyer detective
agent king queen prince princess mother mom mum father dad brother sister son daughter grandma grandpa uncle aunt friend
stranger operator pilot computer robot radio tv
"""
#: Words that are said before a colon, in the languages of many subtitles.
_SAID_WORDS = """
warning caution attention danger note notice notes remember important update updates breaking news flash newsflash alert
reminder question questions answer answers fact facts tip tips hint ps p.s fyi step rule part chapter lesson example
result results conclusion summary reward wanted today tonight tomorrow yesterday live stop problem solution moral date
time place location address subject re title option item number point case plan target status mission objective order
orders verdict score total price bonus error password username sos mayday emergency exit translation message headline
headlines quote unquote correction addendum disclaimer spoiler
achtung warnung vorsicht hinweis frage antwort wichtig merke regel schritt gefahr
atención aviso advertencia cuidado peligro nota importante pregunta respuesta recuerda regla paso ojo
atenção perigo pergunta resposta regra passo lembrete avertissement remarque réponse règle étape rappel
attenzione avviso avvertenza pericolo domanda risposta regola ricorda
waarschuwing gevaar vraag antwoord opmerking varning obs fara fråga svar advarsel vigtigt spørgsmål merk viktig
varoitus huomio kysymys vastaus uwaga ostrzeżenie pytanie odpowiedź ważne pozor varování otázka odpověď upozornenie
figyelem figyelmeztetés kérdés válasz atenție avertisment întrebare răspuns pažnja upozorenje pitanje odgovor
dikkat uyarı soru cevap önemli внимание предупреждение осторожно вопрос ответ важно опасно увага попередження питання
відповідь важливо προσοχή προειδοποίηση ερώτηση απάντηση
注意 警告 問題 问题 答案 注 提示 危険 質問 答え 重要 주의 경고 질문 답
"""
_PEOPLE = frozenset(_PEOPLE_WORDS.split())
_SAID = frozenset(_SAID_WORDS.split()) | {"let op", "pas op", "pas på"}


class Labels:
    """The speaker labels of one file; a word before a single colon need not be one."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Args: texts: every utterance of the file. ``mixed``: it is not a file of capitals."""
        every = list(texts)
        found = [label for text in every if (label := _front(text)) is not None]
        self._count = Counter(_name(label) for label, words in found if words)
        plain = [words for text in every if not sound(words := (_front(text) or ("", text))[1])]
        cased = [text for text in plain if any(letter.islower() or letter.isupper() for letter in text)]
        self._shouting = sum(text.isupper() for text in cased) * 2 > len(cased) > 2
        self.mixed = not self._shouting and not all(text.isupper() for text in cased)

    def split(self, text: str, *, paired: bool) -> tuple[str, str]:
        """Who speaks (empty: nobody is named) and the words.

        Args:
            text: an utterance.
            paired: every utterance of its cue begins with what may be a label.
        """
        front = _front(text)
        if front is None:
            return "", text
        label, rest = front
        named = self._names(_name(label), paired=paired and bool(rest), alone=not rest)
        return (_name(label), rest) if named else ("", text)

    def leads(self, row: str) -> bool:
        """Whether a row begins with a label, and so another voice."""
        return bool(self.split(row, paired=False)[0])

    def alone(self, text: str) -> bool:
        """Whether a text is only a label."""
        name, rest = self.split(text, paired=False)
        return bool(name) and not rest

    def knows(self, name: str) -> bool:
        """Whether a name, as in ``[Anna]``, stands in front of a colon elsewhere."""
        return any(known.casefold() == name.casefold() and self._names(known, paired=False) for known in self._count)

    def _names(self, name: str, *, paired: bool, alone: bool = False) -> bool:
        plain = _NUMBER.sub("", name).casefold().rstrip(".")
        words = plain.split()
        if plain in _SAID or (words and words[0] in _SAID and len(words) < 4) or len(words) > _MOST_WORDS:
            return False
        if _SENTENCE.search(name):
            return False
        often = paired or self._count[name] >= _OFTEN
        if name.isupper():
            person = bool(_NUMBER.search(name)) or bool({word.strip(".") for word in words} & _PEOPLE)
            if alone and len(words) > 2 and not (person or self._count[name]):
                return False  # LAST BUT NOT LEAST:
            return not self._shouting or often or person or self._count[name] > 1
        titled = all(word[:1].isupper() or not word[:1].isalpha() for word in name.split())
        return often and (titled or name.upper() == name.lower())


def may_have_label(text: str) -> bool:
    """Whether the text has words before a colon."""
    return _front(text) is not None


def _front(text: str) -> tuple[str, str] | None:
    found = _LABEL.match(text) or _ALONE.match(text)
    return (found[1], text[found.end() :]) if found else None


def _name(label: str) -> str:
    return " ".join(_MANNER.sub("", label).split())
