"""Masters: one MP4 a language, and one multi-track MKV a title (`tasks.package.package`).

In: the picture, encoded sound, stems and script of a dub. Out: files to deliver, with subtitles and language tags.
It draws and mixes nothing.
"""

VERSION = 8
