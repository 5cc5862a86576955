"""Recorded dubs in place of synthesised speech: one file for a language, or one file for each line.

Out: the same as `tasks.fit` gives: a dialogue stem on the title's clock, placements of the lines, phones. One file
may be a dialogue stem or a print master with music and effects; its shift and speed are found and corrected
(`tasks.ingest.ingest`). How the files of lines are named is in `tasks.ingest.line_files`.
"""

VERSION = 10
