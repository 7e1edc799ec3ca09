"""Who says how probable each attribute's choices are: the interface that CLIP or any other scorer fills."""

from __future__ import annotations

import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mmt2ireid.pseudo_text.conquer.choices import Choices, check_scores, choose_attributes

if TYPE_CHECKING:
    from mmt2ireid.pseudo_text.divide.catalogue import Attribute

__all__ = ['AttributeScorer', 'Choices', 'FeatureScorer', 'check_scores', 'choose_attributes', 'load_scorer']


class AttributeScorer(ABC):
    """Scores images: an attribute classifier, a captioning model, CLIP.

    One method is to be written, :meth:`score`. A scorer that :func:`load_scorer` is to load takes the catalogue as
    its first argument.

    Attributes:
        transform: applied to each RGB image by the loader's workers, so it must pickle; None leaves PIL images. Tensors
            that it returns are stacked to a batch, anything else comes as a list.
    """

    transform: Callable[[Any], Any] | None = None

    @abstractmethod
    def score(self, images: Tensor | list) -> dict[str, Tensor]:
        """Probabilities of all choices of all attributes.

        Args:
            images: B transformed images, stacked (B, ...) or a list.

        Returns:
            attribute name -> (B, C) float32 probabilities over ``Attribute.choices``, all on one device.
        """

    def provenance(self) -> dict[str, Any]:
        """What tells this scorer from another, JSON-able; by default the name of its class."""
        return {'scorer': f'{type(self).__module__}:{type(self).__qualname__}'}


class FeatureScorer(AttributeScorer):
    """A scorer whose features of an image do not depend on the catalogue and may be kept."""

    @abstractmethod
    def encode(self, images: Tensor | list) -> Tensor:
        """Features of images: (B, D) float32, L2-normalised."""

    @abstractmethod
    def score_features(self, features: Tensor) -> dict[str, Tensor]:
        """What :meth:`score` returns, from kept features (B, D)."""

    @abstractmethod
    def encoder_provenance(self) -> dict[str, Any]:
        """What the features depend on, JSON-able: weights, image size, way of resizing, precision."""

    def score(self, images: Tensor | list) -> dict[str, Tensor]:
        """Encodes the images and scores their features."""
        return self.score_features(self.encode(images))


def load_scorer(spec: str, catalogue: Mapping[str, Attribute], **options: Any) -> AttributeScorer:
    """Makes a scorer from its name.

    Args:
        spec: ``package.module:Name`` of a scorer's class, or of a function that returns a scorer.
        catalogue: the attributes; handed over as first argument.
        **options: further arguments.

    Raises:
        ValueError: the name has no colon; there is no such module or name in it; it does not take the options; what
            it makes is no AttributeScorer.
    """
    module_name, colon, name = spec.partition(':')
    if not (colon and module_name and name):
        raise ValueError(f"scorer must be given as 'package.module:Name', but got {spec!r}")
    factory = _look_up(module_name, name)
    is_other_class = inspect.isclass(factory) and not issubclass(factory, AttributeScorer)
    if is_other_class or not callable(factory):
        raise ValueError(f'scorer must be an AttributeScorer, but {spec!r} is {factory!r}')
    if inspect.isabstract(factory):
        methods = ', '.join(sorted(factory.__abstractmethods__))
        raise ValueError(f'scorer must define all abstract methods, but {spec!r} lacks {methods}')
    try:
        inspect.signature(factory).bind(catalogue, **options)
    except TypeError as error:
        raise ValueError(f'scorer {spec!r} must take (catalogue, {", ".join(options)}), but: {error}') from error
    scorer = factory(catalogue, **options)
    if not isinstance(scorer, AttributeScorer):
        raise ValueError(f'scorer must be an AttributeScorer, but {spec!r} returned {type(scorer).__name__}')
    return scorer


def _look_up(module_name: str, name: str) -> Any:
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that the scorer itself lacks is another matter, and its traceback says where.
        if error.name is None or not f'{module_name}.'.startswith(f'{error.name}.'):
            raise
        raise ValueError(f'scorer must be in a module that can be imported, but there is no {error.name!r}') from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise ValueError(f'scorer must be defined in its module, but {module_name!r} has no {name!r}') from error
