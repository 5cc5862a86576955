"""The page on which a person reviews one language (`tasks.report.report`)."""

VERSION = 9
