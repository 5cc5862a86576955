"""What is written in signs is given to a voice in the words of its language; everything else stays as it is."""

from __future__ import annotations

from itertools import pairwise

import pytest

from configs.spoken_forms import spoken_forms
from tasks.words.spoken_form import in_words, readings

TABLE = {
    "en": {
        "The flight at 7:05 costs $3.50.": "The flight at seven oh five costs three dollars and fifty cents.",
        "It opens at 9:00 o'clock.": "It opens at nine o'clock.",
        "On 12/25/2021.": "On December twenty-fifth, twenty twenty-one.",
        "On 2021-12-25.": "On December twenty-fifth, twenty twenty-one.",
        "By 2025/4/3 you owe -$5.": "By April third, twenty twenty-five you owe minus five dollars.",
        "July 4th, 1776": "July fourth, seventeen seventy-six",
        "Dr. Smith lives in St. Louis, No. 5, etc.": "Doctor Smith lives in Saint Louis, number five, et cetera",
        "He said No. Then he left.": "He said No. Then he left.",
        "Pay £2 million or 1,250 €.": "Pay two million pounds or one thousand two hundred and fifty euros.",
        "It is -5 °C, at 1 km/h.": "It is minus five degrees Celsius, at one kilometer per hour.",
        "It measures 3.14 m.": "It measures three point one four meters.",
        "Write to ann@example.org.": "Write to ann at example dot org.",
        "Pages 5-10, 21st floor, 99.5%.": "Pages five to ten, twenty-first floor, ninety-nine point five percent.",
        "Call 0045 on an iPhone15 or a B2B line.": "Call zero zero four five on an iPhone15 or a B2B line.",
        "£3.2m, €5bn, $20k": "three point two million pounds, five billion euros, twenty thousand dollars",
        "US$5–10 million, 10–15 °C": "five to ten million dollars, ten to fifteen degrees Celsius",
        "Call +1 555-0199.": "Call +one, five five five, zero one nine nine.",
        "(212) 555-1234": "two one two, five five five, one two three four",
        "World War II, Part IV, phase III, Rocky II": "World War two, Part four, phase three, Rocky two",
        "Louis XIV, Elizabeth II's and Henry V.": "Louis the fourteenth, Elizabeth the second's and Henry the fifth.",
        "Then Henry I saw, Malcolm X, an IV drip, a MIX.": "Then Henry I saw, Malcolm X, an IV drip, a MIX.",
        "Add 1/2 cup, 2 1/2 cups, ¾ more.": "Add one half cup, two and one half cups, three quarters more.",
        "It came on 3/4, 24/7, 5/3.": "It came on 3/4, twenty-four seven, 5/3.",
        "The 1990s, the 1900s, the '80s.": "The nineteen nineties, the nineteen hundreds, the 'eighties.",
        "100 m², 3-10-2024": "one hundred square meters, March tenth, twenty twenty-four",
        "Pages 100-2000, 5-10%": "Pages one hundred to two thousand, five to ten percent",
    },
    "es": {
        "A la 1:30 del 3/2/2020.": "A la una y treinta del tres de febrero de dos mil veinte.",
        "La 3.ª vez, el 2º piso.": "La tercera vez, el segundo piso.",
        "Cuesta 2,5 millones de euros.": "Cuesta dos coma cinco millones de euros.",
        "Cuesta 3 millones €.": "Cuesta tres millones de euros.",
        "El Sr. Ruiz pesa 1 kg.": "El señor Ruiz pesa un kilo.",
        "1 €, 21 km, 31 £": "un euro, veintiún kilómetros, treinta y una libras",
        "Felipe II, Isabel II y Alfonso XIII": "Felipe segundo, Isabel segunda y Alfonso trece",
        "Son 5 M€ o 3/4, el 3/4.": "Son cinco millones de euros o tres cuartos, el 3/4.",
        "Llame al +34 912 345 678.": "Llame al +tres cuatro, nueve uno dos, tres cuatro cinco, seis siete ocho.",
    },
    "fr": {
        "Le 1er mai, à 21h et à 1h20.": "Le premier mai, à vingt et une heures et à une heures vingt.",
        "M. Petit a 3,50 €.": "monsieur Petit a trois euros et cinquante centimes.",
        "1 200 g": "mille deux cents grammes",
        "3 millions €, 9 h": "trois millions d'euros, neuf heures",
        "Le 2e et la 1re.": "Le deuxième et la première.",
        "Louis XIV, François Ier, le XXIe siècle": "Louis quatorze, François premier, le vingt et unième siècle",
        "1 £, 2 Md€, 3/4": "une livre, deux milliards d'euros, trois quarts",
        "06 12 34 56": "zéro six, un deux, trois quatre, cinq six",
    },
    "it": {
        "Il 1 maggio, la 2ª volta.": "Il primo maggio, la seconda volta.",
        "Il sig. Neri ha 1.200,50 €.": "Il signor Neri ha milleduecento euro e cinquanta centesimi.",
        "1 €, 5 mln €, 1/3": "un euro, cinque milioni di euro, un terzo",
    },
    "pt": {
        "Às 14:00 horas, R$ 3 milhões.": "Às catorze horas, três milhões de reais.",
        "A 2ª rua, 1º de abril.": "A segunda rua, primeiro de abril.",
        "2 £, R$ 5 mi, Pedro II": "duas libras, cinco milhões de reais, Pedro segundo",
    },
    "de": {
        "Der 3. Oktober um 18:00 Uhr.": "Der dritte Oktober um achtzehn Uhr.",
        "Am 1. Mai z. B. mit Nr. 7.": "Am ersten Mai zum Beispiel mit Nummer sieben.",
        "Gleis 3. Sie wartet.": "Gleis drei. Sie wartet.",
        "Am 3.10. um 9:00 Uhr.": "Am dritten Oktober um neun Uhr.",
        "Es ist Version 3.10.": "Es ist Version drei Punkt zehn.",
        "Ludwig XIV. war 1 min da.": "Ludwig der vierzehnte war eine Minute da.",
        "Wilhelm II. Er kam.": "Wilhelm der zweite. Er kam.",
        "Kapitel IV: 5 Mio. Euro, 1/4": "Kapitel vier: fünf Millionen Euro, ein Viertel",
        "Es kostet 1.299,99 €.": "Es kostet eintausendzweihundertneunundneunzig Euro und neunundneunzig Cent.",
    },
    "nl": {"Om 8:30 uur, de 2e keer, ca. € 5.": "Om acht uur dertig, de tweede keer, circa vijf euro."},
    "ca": {"El 2 de maig a les 2:15.": "El dos de maig a les dues quinze."},
    "pl": {
        "3 maja, 5 km, 22 zł, 1 kg": "trzeciego maja, pięć kilometrów, dwadzieścia dwa złote, jeden kilogram",
        "nr 12, ul. Długa": "numer dwanaście, ulica Długa",
    },
    "ro": {"19 lei, 20 km, 250 de lei": "nouăsprezece lei, douăzeci de kilometri, două sute cincizeci de lei"},
    "ru": {
        "3 мая, 21 км": "третьего мая, двадцать один километр",
        "22 $, 25 кг": "двадцать два доллара, двадцать пять килограммов",
        "№ 5, т. е. 40%": "номер пять, то есть сорок процентов",
    },
    "tr": {"%20 ve 15 TL": "yüzde yirmi ve onbeş lira"},
    "sv": {"Den 3 maj 1905, 1:a gången, 20 kr": "Den tredje maj nittonhundrafem, första gången, tjugo kronor"},
    "hi": {
        "₹150, 40%, 12:00 बजे": "एक सौ पचास रुपये, चालीस प्रतिशत, बारह बजे",
        "3/4, -5 °C": "तीन चौथाई, माइनस पाँच डिग्री सेल्सियस",
    },
    "zh": {
        "1998年10月12日花了¥2050。": "一九九八年十月十二日花了两千零五十元。",
        "现在2:30，气温-3℃，100%。": "现在两点三十分，气温负三摄氏度，百分之一百。",
        "1/2杯，5-10公里，86 m²": "二分之一杯，五到十公里，八十六平方米",
        "2025/4/3 3:05": "二零二五年四月三日 三点零五分",
    },
    "ja": {
        "¥1,500で5 km、7:45に。": "1500円で5キロメートル、7時45分に。",
        "1/2カップ、5-10km": "2分の1カップ、5から10キロメートル",
        "2025/4/3まで": "2025年4月3日まで",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "written", "said"), [(tag, *row) for tag, rows in TABLE.items() for row in rows.items()]
)
def test_signs_are_said_in_words(language: str, written: str, said: str) -> None:
    assert in_words(written, language)[0] == said


@pytest.mark.parametrize("language", list(TABLE))
def test_letters_stay_as_they_are(language: str) -> None:
    for text in ("", "...", "Ana, Bo & C"[:7], "?!", "日本 नमस्ते Привет"):
        assert in_words(text, language)[0] == text


def test_a_language_that_is_not_known_is_left_to_its_voice() -> None:
    assert spoken_forms("eu") is None
    assert in_words("15 €", "eu")[0] == "15 €"


def test_spans_of_pronunciation_move_along_and_win() -> None:
    words, spans = in_words("Pay 5 km Jordi 10 $ GHz 3", "en", ((9, 14, "ʒɔrdi"), (15, 17, "tɛn"), (20, 23, "x")))
    assert words == "Pay five kilometers Jordi 10 $ GHz three"
    assert [(words[start:end], sounds) for start, end, sounds in spans] == [
        ("Jordi", "ʒɔrdi"),
        ("10", "tɛn"),
        ("GHz", "x"),
    ]


@pytest.mark.parametrize("language", list(TABLE))
def test_nothing_that_is_typed_breaks_it(language: str) -> None:
    odd = "0 00:00 24:61 32/13/2020 999999999999999999 1.2.3.4 -- % $ 5 - 1,,2 ٣٤ ² ½ 1e9 www. http:// @ a@b 3.º. 0%"
    spans = list(readings(odd, language))
    assert all(start < end for start, end, _ in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
