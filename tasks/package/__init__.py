"""Masters: one MP4 a language, and one multi-track MKV a title (`tasks.package.package`, `tasks.package.subtitles`)."""

VERSION = 7
