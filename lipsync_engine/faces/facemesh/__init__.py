"""Face detection and the 478-point face mesh: MediaPipe's networks, computed by LiteRT or by torch.

The weights are read from MediaPipe's own files (``weights``); none is copied into this package.
"""
