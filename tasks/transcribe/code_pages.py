"""Legacy code pages of languages, and the letters of their texts."""

from __future__ import annotations

WESTERN, CENTRAL, BALTIC = ("cp1252", "iso8859_15"), ("cp1250", "iso8859_2"), ("cp1257", "iso8859_13")
CYRILLIC = ("cp1251", "koi8_u", "iso8859_5", "cp866")
PAGES = {
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl", "hr", "bs"), CENTRAL),
    "ro": (*CENTRAL, "iso8859_16"),
    **dict.fromkeys(("tr", "az"), ("cp1254", "iso8859_9")),
    **dict.fromkeys(("lt", "lv"), BALTIC),
    "et": (*BALTIC, *WESTERN),
    "sr": (*CYRILLIC, *CENTRAL),
    "el": ("cp1253", "iso8859_7"),
    "he": ("cp1255", "iso8859_8"),
    "yi": ("cp1255",),
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256", "iso8859_6")),
    "ja": ("cp932", "euc_jp"),
    "ko": ("cp949",),
    "th": ("cp874",),
    "vi": ("cp1258",),
}
CHINESE = {"Hans": ("gb18030", "big5hkscs"), "Hant": ("big5hkscs", "gb18030")}
BY_SCRIPT = {"Latn": WESTERN, "Cyrl": CYRILLIC}

#: Letters beyond ASCII, by language; those of others count less.
LETTERS = {
    "pl": "ąćęłńóśźż",
    "cs": "áčďéěíňóřšťúůýž",
    "sk": "áäčďéíĺľňóôŕšťúýž",
    "hu": "áéíóöőúüű",
    "ro": "ăâîșțşţ",
    "tr": "çğıİöşüâîû",
    "az": "çəğıİöşü",
    "lt": "ąčęėįšųūž",
    "lv": "āčēģīķļņšūž",
    "et": "äõöüšž",
    "de": "äöüß",
    "fr": "àâæçéèêëîïôœùûüÿ",
    "es": "áéíñóúü¿¡ªº",
    "ca": "àçéèíïóòúü·",
    "gl": "áéíñóúü¿¡",
    "pt": "áâãàçéêíóôõúüªº",
    "it": "àèéìíîòóùú",
    "nl": "áäéëïíóöúüèçêû",
    "sv": "åäöéàü",
    "da": "æøåéèöä",
    "no": "æøåéèêòóöä",
    "nb": "æøåéèêòóöä",
    "nn": "æøåéèêòóöä",
    "fi": "äöåšžé",
    "is": "áðéíóúýþæö",
    "en": "àâäåáçéèêëïîíñôöóúü",
    **dict.fromkeys(("hr", "bs", "sl"), "čćđšž"),
}
TONES = frozenset("\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323")  # and other marks of Vietnamese
#: Characters of any text besides letters.
SIGNS = frozenset("“”„‟‘’‚‹›«»–—―…•·°€£§©®™♪♫\u00a0\u00ad\u200b\u200e\u200f\u200c、。，！？：；「」『』（）〜～・　")
BLOCKS = {
    "Cyrl": "а-яёіїєґўђѓѕјљњћќџ",
    "Grek": "\u0370-\u03ff\u1f00-\u1fff",
    "Hebr": "\u0590-\u05ff",
    "Arab": "\u0600-\u06ff\ufb50-\ufdff\ufe70-\ufeff",
    "Thai": "\u0e00-\u0e7f",
    "Jpan": "\u3040-\u30ff\u4e00-\u9fff々〇ー",
    "Kore": "\uac00-\ud7a3",
}
FREQUENT = {
    "Cyrl": "оеаинтсрвл",
    "Hans": "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里没",
    "Hant": "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡沒",
}
NAMES = {
    "cp932": "Shift-JIS",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "cp949": "EUC-KR",
    "gb18030": "GB 18030",
    "big5hkscs": "Big5",
    "koi8_u": "KOI8",
}
