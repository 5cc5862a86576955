"""Lines of a dub in the files of translators' tools that hold source and translation: XLIFF, DAPT, CSV, XLSX.

What people send is hostile: sizes are bounded, XML has no entities.
"""
