"""Subtitles by the style guides, in further formats and variants, and burned into a copy (`tasks.timed_text.task`).

In: a dub's script, the shots of its picture, and what the source's subtitles say besides speech. Out: subtitle files,
and what they do not keep of the guide. A profile that asks for none of it does not come here.
"""

VERSION = 2
