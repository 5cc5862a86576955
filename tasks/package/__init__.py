"""Masters: one MP4 (of sound alone M4A) a language, and one multi-track MKV (MKA) a title (`tasks.package.package`).

In: the picture, encoded sound, stems and script of a dub. Out: files to deliver, with subtitles and language tags.
It draws and mixes nothing.
"""

VERSION = 10
