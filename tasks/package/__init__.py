"""Masters: one MP4 a language, and one multi-track MKV a title (`tasks.package.package`, `tasks.words.subtitles`)."""

VERSION = 7
