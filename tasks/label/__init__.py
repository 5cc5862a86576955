"""A visible label over the first seconds of a dub's picture, which says what a machine made (`tasks.label.draw`)."""

VERSION = 1
