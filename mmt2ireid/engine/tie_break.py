"""Which of several epochs with the same value of a metric is the best: that of the highest mAP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def tie_metric(metric: str) -> str:
    """Names the metric that decides between equal values of another one.

    Args:
        metric: such as ``t2i/R1``.

    Returns:
        mAP in the same direction.

    Example:
        >>> tie_metric('i2t/R5')
        'i2t/mAP'
    """
    direction, slash, _ = metric.rpartition('/')
    return f'{direction}{slash}mAP'


def with_ties(
    better: Callable[[float, float], bool], info: dict[str, Any], entry: str, tie: float | None
) -> Callable[[float, float], bool]:
    """Makes a comparison with the best value so far decide between equal ones as well.

    Args:
        better: says whether the first of two values is better than the second.
        info: where the tie metric of the best value so far is kept; changed when a value is found to be better.
        entry: its name there.
        tie: the metric's value that goes with the value to be compared; None where it was not measured.

    Returns:
        A comparison of that value with the best one. An equal one is better only if both ties are known and its own is
        higher: of full equals the first stays.
    """

    def compare(value: float, best: float) -> bool:
        known = info.get(entry)
        decides = value == best and tie is not None and known is not None and tie > known
        wins = better(value, best) or decides
        if wins:
            info[entry] = tie
        return wins

    return compare


def sort_key(metrics: Mapping[str, float], by: str) -> tuple[float, float]:
    """Makes a key that sorts by a metric, and equals by mAP.

    Args:
        metrics: of one checkpoint.
        by: the metric.
    """
    return metrics[by], metrics.get(tie_metric(by), 0.0)
