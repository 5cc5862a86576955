"""How long a line may be for its slot so that it is spoken at natural speed: what is aimed at is what QC counts."""

from __future__ import annotations

#: Least and most length at natural pace over the length of the slot; the window of Descript's published evaluation.
NATURAL_SPEED = (0.9, 1.2)
