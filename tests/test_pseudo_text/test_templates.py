"""The 456 templates, and the marks they are made of."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from mmt2ireid.pseudo_text import load_catalogue, load_templates
from mmt2ireid.pseudo_text.combine.template_syntax import Blank, Bracket, Listing, blanks_in, parse_template


def test_there_are_456_distinct_templates():
    templates = load_templates()
    assert len(templates) == len(set(templates)) == 456
    # Distinct in what they say too, not in spaces or capitals only.
    assert len({re.sub(r'\W+', ' ', text).lower() for text in templates}) == 456


def test_patterns_and_blanks_differ():
    optional = load_catalogue().optional
    blanks = Counter(tuple(name for name in optional if f'{{{name}}}' in text) for text in load_templates())
    assert len(blanks) >= 40  # sets of optional blanks
    orders = Counter(
        tuple(
            b.name for b in blanks_in(parse_template(text)) if b.name in {'upper clothes', 'action'} and not b.singular
        )
        for text in load_templates()
    )
    assert min(orders.values()) > 150  # now the clothes come first, now what the person does
    assert all(any(f'{{{name}}}' in text for text in load_templates()) for name in optional)


def test_half_of_them_has_its_share_of_each_pattern():
    templates = load_templates()
    half = templates[:228]
    assert len(half) == 228 and half.lengths == templates.lengths and templates.first(228) == half
    openings = [Counter(text.split('.')[0] for text in part) for part in (half, templates)]
    for opening, count in openings[1].items():
        assert abs(openings[0][opening] - count / 2) <= 2


def test_too_many_are_refused():
    with pytest.raises(ValueError, match='templates must be 1 to 456, but got 457'):
        load_templates().first(457)


def test_the_marks_are_read():
    nodes = parse_template('{a person} <is {action.finite} | has {bare bag}>[, and {bag:is|are} red].')
    assert nodes[0] == Blank('person', article='a')
    listing, bracket = nodes[2], nodes[3]
    assert isinstance(listing, Listing) and listing.items[0] == ('is ', Blank('action', form='finite'))
    assert listing.items[1] == ('has ', Blank('bag', article='bare'))
    assert isinstance(bracket, Bracket) and bracket.nodes[1] == Blank('bag', singular='is', plural='are')


@pytest.mark.parametrize(
    'text', ['a ] b', 'a [ b', '<a | b', 'a > b', 'a | b', '{ }', '{bag:is}', '{bag', 'bag}', '[<a | b]>', '{bag:|}']
)
def test_unbalanced_or_empty_marks_are_refused(text):
    with pytest.raises(ValueError, match='must'):
        parse_template(text)


@pytest.mark.parametrize(
    'text, message',
    [
        ('templates: []', 'templates must be a list of texts'),
        ('templates: [a, a]', "'a' stands there twice"),
        ('templates: ["a [b"]', 'template 1: template .*must close'),
        ('templates: [a]\nlengths: [5]', 'lengths must be two whole numbers'),
        ('templates: [a]\nlengths: [9, 5]', 'lengths must be two whole numbers'),
        ('templates: [a]\nseparator: 3', 'separator must be a text'),
        ('template: [a]', "fields must be of.*'template'"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_reason(tmp_path, text, message):
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    with pytest.raises(ValueError, match=f'mine.yaml.*{message}'):
        load_templates(path)
