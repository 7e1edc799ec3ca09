from __future__ import annotations

import pytest

from mmt2ireid.gallery import Condition, Where


@pytest.mark.parametrize(
    ('text', 'metadata', 'holds'),
    [
        ('camera=c1', {'camera': 'c1'}, True),
        ('camera=c1,c2', {'camera': 'c2'}, True),
        ('camera == c1 , c2 ', {'camera': 'c2'}, True),
        ('camera=c1', {'camera': 'c3'}, False),
        ('camera=c1', {}, False),
        ('floor=3', {'floor': 3}, True),
        ('floor=3', {'floor': 3.0}, True),
        ('floor=3.0', {'floor': '3'}, False),
        ('floor=3', {'floor': '3'}, True),
        ('floor!=3', {'floor': 4}, True),
        ('floor!=3,4', {'floor': 4}, False),
        ('floor!=3', {}, False),
        ('floor=1', {'floor': True}, False),
        ('indoor=true', {'indoor': True}, True),
        ('indoor=TRUE', {'indoor': True}, True),
        ('indoor=true', {'indoor': 'true'}, True),
        ('indoor=true', {'indoor': False}, False),
        ('indoor!=true', {'indoor': False}, True),
        ('indoor>0', {'indoor': True}, False),
        ('time>=2026-01-01T10:00', {'time': '2026-01-01T10:00:01'}, True),
        ('time<2026-01-01T10:00', {'time': '2026-01-01T09:59'}, True),
        ('time<2026-01-01T10:00', {'time': 3}, False),
        ('height>1.7', {'height': 1.75}, True),
        ('height>10', {'height': 9}, False),
        ('height>10', {'height': '9'}, True),
        ('height<=-1e1', {'height': -10}, True),
        ('height<nan', {'height': 1}, False),
        ('a field=x=y', {'a field': 'x=y'}, True),
    ],
)
def test_conditions(text, metadata, holds):
    assert Where.parse(text).holds(metadata) is holds


def test_all_conditions_must_hold():
    where = Where.parse(['camera=c1,c2', 'floor!=3'])
    assert where.holds({'camera': 'c2', 'floor': 2})
    assert not where.holds({'camera': 'c2', 'floor': 3})
    assert not where.holds({'camera': 'c3', 'floor': 2})
    assert where and not Where() and Where().holds({})
    assert str(where) == 'camera=c1,c2 and floor!=3'


@pytest.mark.parametrize('text', ['camera', '', '=c1', 'camera=', 'camera=c1,,c2', 'floor=>3', 'time<', 'a=<3', '  =x'])
def test_what_is_no_condition_is_said(text):
    with pytest.raises(ValueError, match='a condition must'):
        Where.parse([text])


def test_conditions_that_are_made_by_hand():
    assert Condition('floor', '=', (3, True)) == Condition('floor', '=', ('3', 'true'))
    assert Condition('k', '=', 'a,b').holds('a,b')
    with pytest.raises(ValueError, match='must have one value, but got 2'):
        Condition('k', '<', ('1', '2'))
    with pytest.raises(ValueError, match='must have one value or more, but got 0'):
        Condition('k', '=', ())
    with pytest.raises(ValueError, match='op must be one of'):
        Condition('k', '~', ('1',))
    with pytest.raises(ValueError, match='must name a field'):
        Condition(' ', '=', ('1',))
    with pytest.raises(ValueError, match='must be text, a number'):
        Condition('k', '=', (None,))


@pytest.mark.parametrize('texts', [[5], [None], [b'a=b'], [['a=b']], 5, None])
def test_what_is_no_text_is_no_condition(texts):
    with pytest.raises(ValueError, match=r'condition.* must be .*text.* such as camera=c1,c2, but got'):
        Where.parse(texts)


def test_parts_of_conditions_that_are_none():
    with pytest.raises(ValueError, match='must name a field'):
        Condition(5, '=', ('1',))
    with pytest.raises(ValueError, match='must be text, a number'):
        Condition('k', '=', None)


@pytest.mark.parametrize(
    ('condition', 'values', 'reason'),
    [
        ('floor>=two', [1, 2, 3.5], 'floor>=two: floor has numbers, but two is none of these'),
        ('floor=two', (1, 200), 'floor=two: floor has numbers, but two is none of these'),
        ('floor=two,three', [1], 'two and three is none of these'),
        ('inside>=true', [True, False], 'inside is true or false, which have no order'),
        ('inside=yes', [True], 'inside has true and false, but yes'),
        ('n<true', [1, True], 'n has numbers and true and false, but true is none'),
        ('floor>=2', [1, 2], ''),
        ('floor=two,2', [1], ''),
        ('floor!=two', [1], ''),
        ('time>=two', ['a', 'b'], ''),
        ('n>=two', [1, 'a'], ''),
        ('inside=true', [True], ''),
        ('nothing>=two', [], ''),
    ],
)
def test_conditions_that_can_hold_for_no_crop_are_named(condition, values, reason):
    (parsed,) = Where.parse(condition).conditions
    assert reason in parsed.why_never(values) and bool(reason) == bool(parsed.why_never(values))
    if reason:
        assert not any(parsed.holds(value) for value in values)
