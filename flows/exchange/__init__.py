"""A dub's lines in the files of translators, out and in, and the glossary and memory that go with them.

A format is a module that writes a `Table` and reads a `File`; those that `tasks.translate` reads too are in
`tasks.exchange`. `flows.exchange.taken` finds whose lines they are and what they change, and refuses by name what it
cannot take. What people send is hostile: sizes are bounded, XML has no entities.
"""
