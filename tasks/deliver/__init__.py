"""Delivery presets: what one destination takes, made from what was packed (`configs.delivery`).

In: delivered languages and the preset's rules. Out: its files, measured by its rules; streams are copied where the
rules allow it. It translates, speaks and mixes nothing.

To add a preset: a block of ``configs/delivery.yaml``; of another kind: also a model in ``configs/delivery.py``, a
module here, and its line in `tasks.deliver.task` or `flows.dub.presets`.
"""

VERSION = 4
