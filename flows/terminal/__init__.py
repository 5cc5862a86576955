"""The terminal interface of the `polydub` command.

In: words of a command line. Out: tables, progress, errors and exit codes.
It decides nothing about a dub.
"""
