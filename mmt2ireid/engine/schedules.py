"""Do schedules of the rate fit the length of the training?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ['fit_schedules']

_REMEDY = '; without end (and T_max), a schedule lasts as long as training'


def fit_schedules(schedules: list[Any], length: float) -> tuple[list[Any], list[str]]:
    """Leaves out schedules that training ends before, and says where others do not fit.

    A schedule without ``end`` lasts to the end of the training, whatever its length is; MMEngine sees to that.

    Args:
        schedules: configs of schedules, in epochs or in steps.
        length: of the training, in the same unit.

    Returns:
        The schedules that have begun before the end, and sentences on what does not fit.
    """
    kept: list[Any] = []
    said = []
    for schedule in schedules:
        name, begin, end = _name(schedule), schedule.get('begin', 0), _end(schedule, length)
        if begin >= length:
            said.append(f'{name} begins at {begin:g}, when training, of {length:g}, has ended: it is left out')
            continue
        kept.append(schedule)
        late = [milestone for milestone in schedule.get('milestones', ()) if milestone >= length]
        if late:
            said.append(f'{name} has milestones {late}, but training is of {length:g}: they are not reached')
        elif end > length:
            said.append(f'{name} ends at {end:g}, but training at {length:g}: its last rates are not reached{_REMEDY}')
    last = max(kept, key=lambda schedule: _end(schedule, length), default=None)
    if last is not None and _end(last, length) < length and not _warms_up(last):
        said.append(
            f'{_name(last)} ends at {_end(last, length):g}, but training at {length:g}: the rate stays at its last '
            f'value from there{_REMEDY}'
        )
    return kept, said


def _name(schedule: Mapping[str, Any]) -> str:
    return str(schedule.get('type')).rsplit('.', 1)[-1]


def _end(schedule: Mapping[str, Any], length: float) -> float:
    """Where it has its last rate."""
    if schedule.get('T_max') is not None:
        return schedule.get('begin', 0) + schedule['T_max']
    return schedule.get('end', length)


def _warms_up(schedule: Mapping[str, Any]) -> bool:
    """Whether a constant rate after it is what it is for."""
    return schedule.get('begin', 0) == 0 and _name(schedule) in ('LinearLR', 'ConstantLR')
