"""Who finds people in a picture: OpenCV's HOG detector, torchvision's models by name, or any function."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mmt2ireid.apis.devices import usable_device

Detector = Callable[[np.ndarray], tuple[Any, Any]]
"""uint8 RGB (H, W, 3) -> boxes (n, 4), x0, y0, x1, y1 in pixels, and scores (n,)."""

HOG = 'hog'
TORCHVISION = 'fasterrcnn_resnet50_fpn_v2'
AUTO = 'auto'
_HOG_WINDOW = (64, 128)  # width, height
_HOG_LONGEST = 1280  # larger pictures are made smaller first: people are large in them, too
_HOG_MARGIN = (0.15, 0.06)  # of the window's width and height, that a person does not fill, on each side
_COCO_PERSON = 1


class HOGDetector:
    """OpenCV's built-in people detector (Dalal and Triggs, CVPR 2005): upright people of about 100 pixels and more.

    It needs no weights and no GPU, and misses many that a network finds. Scores are distances to the decision plane. It
    also takes other things for people: on 48 photos and three videos, 22 of 56 crops with scores from 0.5 on showed
    none, and none of those had more than 1.2.

    Raises:
        ImportError: this OpenCV has no such detector: version 5 keeps it in ``opencv-contrib-python``.
    """

    name = HOG
    min_score = 1.2

    def __init__(self) -> None:
        import cv2

        if not hasattr(cv2, 'HOGDescriptor'):
            raise ImportError(
                f"detector 'hog' needs an OpenCV that has it, which opencv-python {cv2.__version__} has not: "
                "pip install 'mmt2ireid[people]' (opencv-python<5), or opencv-contrib-python in its place; or name a "
                f'detector of torchvision, such as {TORCHVISION}'
            )
        self._hog = cv2.HOGDescriptor()
        self._hog.setSVMDetector(getattr(cv2, 'HOGDescriptor_getDefaultPeopleDetector')())  # noqa: B009

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Finds people; see :data:`Detector`."""
        import cv2

        height, width = image.shape[:2]
        scale = min(1.0, _HOG_LONGEST / max(height, width))
        if round(scale * width) < _HOG_WINDOW[0] or round(scale * height) < _HOG_WINDOW[1]:
            return np.zeros((0, 4)), np.zeros(0)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
        gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        found, scores = self._hog.detectMultiScale(gray, winStride=(8, 8), padding=(16, 16), scale=1.05)
        if not len(found):
            return np.zeros((0, 4)), np.zeros(0)
        left, top, wide, high = np.asarray(found, dtype=float).T / scale
        inner = (1 - 2 * _HOG_MARGIN[0]) * wide, (1 - 2 * _HOG_MARGIN[1]) * high
        left, top = left + _HOG_MARGIN[0] * wide, top + _HOG_MARGIN[1] * high
        return np.stack([left, top, left + inner[0], top + inner[1]], axis=1), np.asarray(scores, dtype=float).ravel()


class TorchvisionDetector:
    """A detection model of torchvision, trained on COCO.

    Args:
        name: such as ``fasterrcnn_resnet50_fpn_v2``.
        weights: a local file of its weights, read weights-only; None for torchvision's own, downloaded once.
        device: where to compute; by default a GPU if there is one.

    Raises:
        FileNotFoundError: the weights are not there and cannot be downloaded; the message says how to bring them.
        ValueError: torchvision has no such model, or the file is none of its weights.
    """

    min_score = 0.7

    def __init__(self, name: str, weights: str | Path | None = None, device: str | None = None) -> None:
        from torchvision.models import detection, get_model, get_model_weights, list_models

        known = list_models(module=detection)
        if name not in known:
            raise ValueError(
                f'detector must be {AUTO!r}, {HOG!r}, a function, or one of {", ".join(known)}, but got {name!r}'
            )
        default: Any = get_model_weights(name).DEFAULT
        self.name = name
        self.person = _person_label(default.meta.get('categories'))
        state = _load_weights(name, default.url, weights)
        model = get_model(name, weights=None, weights_backbone=None)
        own = model.state_dict()
        wrong = [key for key, value in own.items() if key not in state or state[key].shape != value.shape]
        if wrong:
            raise ValueError(
                f'weights {weights or default.url} must be those of {name}, but {len(wrong)} of {len(own)} entries are '
                f'missing or of another shape, first {wrong[0]}'
            )
        model.load_state_dict({key: state[key] for key in own})
        self.device = usable_device(device)
        self.model = model.eval().to(self.device)

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Finds people; see :data:`Detector`."""
        import torch

        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self.device).permute(2, 0, 1).float() / 255
        with torch.inference_mode():
            (found,) = self.model([pixels])
        people = found['labels'] == self.person
        return found['boxes'][people].cpu().numpy(), found['scores'][people].cpu().numpy()


def load_detector(
    detector: str | Detector, *, weights: str | Path | None = None, device: str | None = None
) -> tuple[Detector, str, float]:
    """A detector from what names it.

    Args:
        detector: 'auto', torchvision's ``fasterrcnn_resnet50_fpn_v2`` where its weights are or can be fetched, and
            else, which a warning says, HOG; 'hog', the name of a torchvision model, or a function.
        weights: a local file, for a torchvision model.
        device: for a torchvision model.

    Returns:
        The detector, what to call it, and the lowest score that counts unless the user says another.

    Raises:
        FileNotFoundError: the weights of the model that is named are missing.
        ImportError: this OpenCV has no HOG detector, and another is not to be had.
        ValueError: there is no such detector, or ``weights`` are given to another than torchvision's.
    """
    if isinstance(detector, str) and detector == AUTO:
        return _torchvision_or_hog(weights, device)
    if weights is not None and (not isinstance(detector, str) or detector == HOG):
        raise ValueError(f'weights must be given for a model of torchvision only, but detector is {detector!r}')
    if not isinstance(detector, str):
        if not callable(detector):
            raise ValueError(f'detector must be a name or a function, but got {type(detector).__name__}')
        return detector, getattr(detector, '__qualname__', type(detector).__qualname__), 0.5
    found: Any = HOGDetector() if detector == HOG else TorchvisionDetector(detector, weights, device)
    return found, found.name, found.min_score


def _torchvision_or_hog(weights: str | Path | None, device: str | None) -> tuple[Detector, str, float]:
    try:
        return load_detector(TORCHVISION, weights=weights, device=device)
    except FileNotFoundError as missing:
        if weights is not None:
            raise
        try:
            found = load_detector(HOG)
        except ImportError as error:
            raise ImportError(f'there is no detector: {missing}. And {error}') from missing
        warnings.warn(f'{missing}; so people are looked for with {HOG!r}, which misses more of them', stacklevel=3)
        return found


def _person_label(categories: Any) -> int:
    return list(categories).index('person') if categories and 'person' in categories else _COCO_PERSON


def _load_weights(name: str, url: str, weights: str | Path | None) -> dict[str, Any]:
    import torch

    from mmt2ireid.compat import load_from_http, load_from_local

    if weights is not None:
        state = load_from_local(os.fspath(weights), 'cpu')
    else:
        try:
            state = load_from_http(url, 'cpu')
        except FileNotFoundError as error:
            file = url.rsplit('/', 1)[-1]
            raise FileNotFoundError(
                f'the weights of detector {name} could not be downloaded from {url} ({error.__cause__}). Bring the '
                f'file from a machine with network (curl -L -O {url}) and put it at '
                f'{os.path.join(torch.hub.get_dir(), "checkpoints", file)}, or name it with '
                f'--weights FILE (in Python weights=FILE). The detector {HOG!r} needs none'
            ) from error
    if not isinstance(state, dict):
        raise ValueError(f'weights {weights or url} must hold tensors by name, but hold a {type(state).__name__}')
    return state
