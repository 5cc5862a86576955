"""The review sheet of one language branch: a page that opens from the disk, beside the files it shows."""

VERSION = 1
