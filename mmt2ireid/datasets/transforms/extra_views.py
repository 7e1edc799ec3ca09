"""Several pictures of one item."""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.transforms import BaseTransform, Compose

from mmt2ireid.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ExtraViews(BaseTransform):
    """Makes further pictures of an item, each by a pipeline of its own, for heads that compare views.

    Every view starts from the picture as it is where this stands in the pipeline; ``img`` itself and the captions stay
    as they are. Put it before what changes ``img`` at random.

    Args:
        views: per view its pipeline, from ``img`` to ``img``.

    Raises:
        ValueError: there is no view.
    """

    def __init__(self, views: Sequence[Sequence[dict]]) -> None:
        if not views or any(isinstance(steps, dict) for steps in views):
            raise ValueError(f'views must be a list of pipelines, one at least, but got {views!r}')
        self.views = [Compose(list(steps)) for steps in views]

    def transform(self, results: dict) -> dict:
        """Adds ``views``, a list of pictures, to the item.

        Raises:
            ValueError: a pipeline gives no picture.
        """
        views = []
        for number, pipeline in enumerate(self.views):
            made = pipeline(dict(results, img=results['img'].copy()))
            if made is None:
                raise ValueError(
                    f'{results.get("img_path")}: the pipeline of view {number} must give a picture, but none'
                )
            views.append(made['img'])
        results['views'] = views
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(views={self.views})'
