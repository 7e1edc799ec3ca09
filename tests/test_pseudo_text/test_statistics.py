from __future__ import annotations

import random
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from mmt2ireid.pseudo_text.analysis import analysis_text
from mmt2ireid.pseudo_text.analysis.statistics import (
    PERCENTILES,
    CaptionStatistics,
    DistinctCounter,
    length_summary,
    optional_summary,
    split_words,
)


def no_defects(caption):
    return []


def test_words_are_lower_case_without_punctuation():
    caption = "The middle-aged man's T-shirt - blue, size 3 - is \u2018new\u2019; naïve café."
    words = ['the', 'middle-aged', "man's", 't-shirt', 'blue', 'size', '3', 'is', 'new', 'naïve', 'café']
    assert split_words(caption) == words
    assert split_words(' ... ') == []


def test_counts_are_those_of_a_loop_by_hand():
    rng = random.Random(3)
    words = ['a', 'red', 'blue', 'coat', 'hat', 'the', 'walks', 't-shirt']
    rows = [(f'{rng.randrange(60)}.jpg', []) for _ in range(200)]
    for _, captions in rows:
        captions += [' '.join(rng.choices(words, k=rng.randint(1, 9))) for _ in range(rng.randint(0, 3))]
    statistics = CaptionStatistics(check=no_defects)
    for image_id, captions in rows:
        statistics.add(image_id, captions)
    summary = statistics.summary()
    texts = [caption for _, captions in rows for caption in captions]
    assert summary['rows'] == 200
    assert summary['images'] == len({image_id for image_id, _ in rows}) < 200
    assert summary['rows_without_caption'] == sum(not captions for _, captions in rows) > 0
    assert summary['texts'] == len(texts)
    assert summary['distinct_texts'] == len(set(texts)) < len(texts)
    assert summary['texts_per_image'] == len(texts) / summary['images']
    assert summary['vocabulary']['size'] == len(words)
    frequent = Counter(' '.join(texts).split())
    expected = [(word, frequent[word]) for word in sorted(words, key=lambda word: -frequent[word])]
    assert summary['vocabulary']['frequent'] == [item for item in expected if item[0] not in ('a', 'the')]
    assert summary['optional'] is None and summary['defects']['captions'] == 0


def test_percentiles_are_numpys_inverted_cdf():
    lengths = np.random.default_rng(0).integers(3, 60, 997)
    summary = length_summary(Counter(lengths.tolist()))
    assert (summary['min'], summary['max'], summary['total']) == (lengths.min(), lengths.max(), lengths.sum())
    assert summary['mean'] == pytest.approx(lengths.mean())
    expected = np.percentile(lengths, PERCENTILES, method='inverted_cdf')
    assert list(summary['percentiles'].values()) == expected.tolist()
    one = length_summary({7: 1})
    assert set(one['percentiles'].values()) == {7}
    assert length_summary({})['mean'] is None


@pytest.mark.parametrize('count', [0, 1, 200_000])
def test_distinct_texts_are_counted_over_merges(count):
    counter = DistinctCounter()
    for number in range(count):
        counter.add(f'text {number % 150_000}')
    assert len(counter) == min(count, 150_000)
    counter.add('something else')
    assert len(counter) == min(count, 150_000) + 1


def test_odd_letters_are_counted():
    statistics = CaptionStatistics(check=no_defects)
    statistics.add('half \ud800', ['a \udfff man', ''])
    assert statistics.summary()['length']['min'] == 0


def test_memory_does_not_grow_with_the_images():
    statistics = CaptionStatistics(['bag'], check=no_defects)

    def feed(start, count):
        for number in range(start, start + count):
            statistics.add(f'{number}.jpg', ['a man with a bag walks'], {'bag': 'a bag'})
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before, after = feed(0, 2_000), feed(2_000, 20_000)
    finally:
        tracemalloc.stop()
    assert after - before < 2 * 8 * 20_000 * 1.3  # a hash each of the image and of the text


def test_optional_attributes_have_their_shares():
    rows = [{'bag': 'a bag', 'hat': None}, {'bag': 'a case', 'hat': 'a cap'}, {'bag': None, 'hat': None}, {}]
    statistics = CaptionStatistics(['hat', 'bag'], check=no_defects)
    for number, attributes in enumerate(rows):
        statistics.add(f'{number}', ['x'], attributes)
    optional = statistics.summary()['optional']
    assert (optional['total'], optional['rows_with_any']) == (3, 2)
    assert list(optional['attributes']) == ['bag', 'hat']  # most frequent first
    assert optional['attributes']['bag'] == dict(count=2, share_of_images=2 / 3, share_of_optional=2 / 3)
    assert statistics.summary()['attributes'] == dict(
        rows=3, phrases={'bag': {'a bag': 1, 'a case': 1}, 'hat': {'a cap': 1}}
    )


def test_the_shares_of_four_are_those_of_the_paper_and_of_the_most_frequent():
    counts = dict(bag=38, glasses=20, smoke=1, hat=10, cellphone=5, umbrella=9, gloves=0, vehicle=2)
    summary = optional_summary(counts, 100)
    assert summary['top_four'] == dict(names=['bag', 'glasses', 'hat', 'umbrella'], share_of_optional=77 / 85)
    assert summary['paper_top_four']['share_of_optional'] == 73 / 85
    nothing = optional_summary({'bag': 0}, 5)
    assert nothing['attributes']['bag'] == dict(count=0, share_of_images=0.0, share_of_optional=None)
    assert optional_summary({}, 5)['total'] == 0


def test_a_caption_with_two_defects_of_a_kind_counts_once():
    found = {'one': ['doubled words: a a', 'doubled words: b b', 'empty: nothing'], 'two': ['doubled words: c c']}
    statistics = CaptionStatistics(check=lambda caption: found.get(caption, []))
    statistics.add('x.jpg', ['one', 'two', 'sound', 'sound'])
    defects = statistics.summary()['defects']
    assert (defects['captions'], defects['share']) == (2, 0.5)
    assert {kind: item['captions'] for kind, item in defects['kinds'].items()} == {'doubled words': 2, 'empty': 1}
    first = defects['kinds']['doubled words']['examples'][0]
    assert first == dict(image_id='x.jpg', caption='one', defect='doubled words: a a')


def test_examples_are_few():
    statistics = CaptionStatistics(check=lambda caption: ['empty: nothing'])
    for number in range(50):
        statistics.add(str(number), [''])
    assert len(statistics.summary()['defects']['kinds']['empty']['examples']) <= 5


def test_the_checker_of_the_package_is_the_default():
    statistics = CaptionStatistics()
    statistics.add('x.jpg', ['The man wears a a blue shirt.', 'The young man wears a blue shirt and black pants.'])
    assert statistics.summary()['defects']['captions'] == 1


def test_markdown_says_the_figures_and_what_is_not_known():
    statistics = CaptionStatistics(['bag'], check=lambda caption: ['empty: no | words'] if not caption else [])
    statistics.add('x.jpg', ['a red coat', ''], {'bag': None})
    text = analysis_text.statistics_markdown(statistics.summary(), title='T', pictures={'Cloud': 'c.png'})
    for line in (
        '| texts per image | 2.00 |',
        '| texts with a defect | 1 |',
        '| bag | 0 | 0.0 % | \N{EN DASH} |',
        '![Cloud](c.png)',
        '| 0 | 0 | 0 | 0 | 0 | 3 | 3 | 3 | 3 | 1.50 |',
    ):
        assert line in text.splitlines()
    empty = analysis_text.statistics_markdown(CaptionStatistics(check=no_defects).summary(), title='T')
    assert 'tells of no attributes' in empty and '| texts per image | \N{EN DASH} |' in empty
    unfinished = statistics.summary() | dict(complete=False, unreadable=7)
    text = analysis_text.statistics_markdown(unfinished, title='T')
    assert 'not finished' in text and '| images that could not be read | 7 |' in text
