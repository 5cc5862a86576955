"""Face detection and the 478-point face mesh: MediaPipe's networks, computed by torch or by MediaPipe itself.

The weights are read at run time from the installed ``mediapipe`` wheel; none is copied into this package.
"""
