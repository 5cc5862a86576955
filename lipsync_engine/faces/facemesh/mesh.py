"""The 478-point face mesh of crops, with refined lips, eyes and irises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.models import MESH, Run, TorchRun, graph_of, open_model
from lipsync_engine.records import FloatArray

#: Side of the crops in pixels.
SIDE = MESH.side
_BASE = 468
#: Outputs of the refined points. Irises come last, five points each, and take the mean depth of the sixteen points of
#: their eye's contour.
_REFINED = ("output_lips", "output_left_eye", "output_right_eye", "output_left_iris", "output_right_iris")
_IRIS, _CONTOUR = 5, 16


class FaceMesh:
    """The mesh network on one device.

    Args:
        device: ``"cpu"`` (ONNX Runtime computes) or a torch device.
        torch_on_cpu: let torch compute on the CPU, too (to compare).
    """

    def __init__(self, device: str = "cpu", *, torch_on_cpu: bool = False) -> None:
        self._run: Run = TorchRun(MESH, device) if torch_on_cpu else open_model(MESH, device)
        places = _refined_places()
        self._refined = np.concatenate([*places, np.arange(_BASE, _BASE + 2 * _IRIS)])
        self._contours = np.stack([places[1][:_CONTOUR], places[2][:_CONTOUR]])

    @property
    def batches(self) -> bool:
        """Whether many crops in one call cost less than one by one."""
        return self._run.batches

    def __call__(self, crops: NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """Meshes of RGB crops.

        Args:
            crops: uint8 [B, 192, 192, 3], each a face in its region.

        Returns:
            Points, float32 [B, 478, 3] in pixels of the crop, and the probability that there is a face, float32 [B].
        """
        if not len(crops):
            return np.zeros((0, _BASE + 2 * _IRIS, 3), np.float32), np.zeros(0, np.float32)
        out = self._run(crops)
        count = len(crops)
        points = np.empty((count, _BASE + 2 * _IRIS, 3), np.float32)
        points[:, :_BASE] = out["output_mesh_identity"].reshape(count, _BASE, 3)
        refined = np.concatenate([out[name] for name in _REFINED], axis=1)
        points[:, self._refined, :2] = refined.reshape(count, -1, 2)
        depth = points[:, self._contours, 2].mean(axis=2)
        points[:, _BASE:, 2] = np.repeat(depth, _IRIS, axis=1)
        return points, (1 / (1 + np.exp(-out["conv_faceflag"][:, 0]))).astype(np.float32)


def _refined_places() -> list[NDArray[np.intp]]:
    """Which points of the mesh lips, left and right eye replace: those that their region is laid around."""
    regions = [step for step in graph_of(MESH).operators if step.name == "Landmarks2TransformMatrix"]
    return [np.array(step.options["subset_idxs"], np.intp) for step in regions]
