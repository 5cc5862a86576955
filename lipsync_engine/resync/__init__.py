"""The whole of a title: analysed once, resynchronised for each dub.

In: a title, and for each dub its sound and phones. Out: the analysis, the dubbed picture, and the report on it.
It knows how the rooms below follow one another, and does none of their work.
"""

from lipsync_engine.resync.analysis import analyse, with_speech
from lipsync_engine.resync.dub import resync
from lipsync_engine.resync.options import Options

__all__ = ["Options", "analyse", "resync", "with_speech"]
