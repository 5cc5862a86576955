"""Rewords lines that do not fit their slots: candidates are requested, spoken and measured, and the best one is kept.

One way of doing it (`tasks.adapt.adapt`), for translators that can say a line again (`tasks.translate.Rewriter`); with
the others the script and the takes pass through as they are.
"""

VERSION = 4
