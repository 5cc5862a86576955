"""Quality control: one language branch measured on what is delivered, judged by gates.

In: an `Evidence` record (scripts, placements, measurements, paths of the delivered stems). Out: the content of
``qc.json``. Nothing is invented: what cannot be measured is None with a reason, and its gate is ``unmeasured``.
"""

VERSION = 1
