"""The page on which a person reviews one language (`tasks.report.report`).

In: the quality sheet, the script, the stems and the ledger of steps. Out: one HTML file with all that it shows.
It judges nothing: the gates come with the sheet.
"""

VERSION = 12
