"""The 478-point face mesh of crops, with refined lips, eyes and irises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lipsync_engine.faces.facemesh.models import MESH, Run, TorchRun, graph_of, open_model
from lipsync_engine.records import FloatArray

#: Side of the crops in pixels.
SIDE = MESH.side
_BASE = 468
#: Irises come last, five points each, and take the mean depth of the sixteen points of their eye's contour.
_IRISES = (("output_left_iris", "output_left_eye", 468), ("output_right_iris", "output_right_eye", 473))
_CONTOUR = 16


class FaceMesh:
    """The mesh network on one device.

    Args:
        device: ``"cpu"`` (ONNX Runtime computes) or a torch device.
        torch_on_cpu: let torch compute on the CPU, too (to compare).
    """

    def __init__(self, device: str = "cpu", *, torch_on_cpu: bool = False) -> None:
        self._run: Run = TorchRun(MESH, device) if torch_on_cpu else open_model(MESH, device)
        self._places = _refined_places()

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
            return np.zeros((0, _BASE + 10, 3), np.float32), np.zeros(0, np.float32)
        out = self._run(crops)
        count = len(crops)
        points = np.empty((count, _BASE + 10, 3), np.float32)
        points[:, :_BASE] = out["output_mesh_identity"].reshape(count, _BASE, 3)
        for name, places in self._places.items():
            points[:, places, :2] = out[name].reshape(count, -1, 2)
        for iris, eye, start in _IRISES:
            points[:, start : start + 5, :2] = out[iris].reshape(count, 5, 2)
            points[:, start : start + 5, 2] = points[:, self._places[eye][:_CONTOUR], 2].mean(axis=1)[:, None]
        return points, (1 / (1 + np.exp(-out["conv_faceflag"][:, 0]))).astype(np.float32)


def _refined_places() -> dict[str, list[int]]:
    """Which points of the mesh each refining branch replaces: the points that its region is laid around."""
    regions = [step for step in graph_of(MESH).operators if step.name == "Landmarks2TransformMatrix"]
    names = ("output_lips", "output_left_eye", "output_right_eye")
    return {name: list(step.options["subset_idxs"]) for name, step in zip(names, regions, strict=True)}
