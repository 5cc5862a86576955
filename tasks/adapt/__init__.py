"""Lines that do not fit their time, said in other words: asked for, spoken, measured, and the best one kept.

One way of doing it (`tasks.adapt.adapt`), for translators that can say a line again (`tasks.translate.Rewriter`); with
the others the script and the takes pass through as they are.
"""

VERSION = 4
