from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageColor

from mmt2ireid.visualization import caption_plots
from mmt2ireid.visualization.caption_plots import (
    SIZE,
    draw_attribute_frequency,
    draw_length_distribution,
    draw_word_cloud,
)
from mmt2ireid.visualization.caption_sheet import SheetCell, SheetPhrase, SheetStyle, draw_caption_sheet
from mmt2ireid.visualization.picture_file import save_picture

STYLE = SheetStyle()
BAR = ImageColor.getrgb(caption_plots._BAR)


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert('RGB'))


def is_colour(array, colour):
    return (array == (ImageColor.getrgb(colour) if isinstance(colour, str) else colour)).all(-1)


def touches_the_edge(array):
    ink = (array != 255).any(-1)
    return ink[0].any() or ink[-1].any() or ink[:, 0].any() or ink[:, -1].any()


def test_a_word_cloud_is_the_same_for_the_same_seed(tmp_path):
    words = {'coat': 50, 'blue': 30, 'walking': 20, 'backpack': 5}
    first = pixels(draw_word_cloud(words, tmp_path / '1.png', size=(400, 200)))
    assert first.shape == (200, 400, 3) and (first != 255).any()
    assert (first == pixels(draw_word_cloud(words, tmp_path / '2.png', size=(400, 200)))).all()
    assert (first != pixels(draw_word_cloud(words, tmp_path / '3.png', seed=1, size=(400, 200)))).any()


def test_a_missing_word_cloud_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'wordcloud', None)
    with pytest.raises(ImportError, match=r'mmt2ireid\[analysis\]'):
        draw_word_cloud({'coat': 1}, tmp_path / 'x.png')


def test_names_that_are_cut_end_behind_a_word():
    shorten = caption_plots._shorten
    assert shorten('a short sleeve black shirt') == 'a short sleeve black shirt'
    assert shorten('a short sleeve black shirt with a logo') == 'a short sleeve black shirt …'
    assert shorten('x' * 40) == 'x' * 27 + ' …'


def test_bars_are_as_long_as_the_counts(tmp_path):
    path = draw_attribute_frequency({'hat': 50, 'bag': 200, 'umbrella': 0, 'glasses': 100}, 1000, tmp_path / 'x.png')
    array = pixels(path)
    widths = is_colour(array, BAR).sum(1)
    lengths = [int(width) for width in dict.fromkeys(widths[widths > 0]) if (widths == width).sum() > 5]
    assert lengths == pytest.approx([lengths[0], lengths[0] / 2, lengths[0] / 4], abs=3)
    assert not touches_the_edge(array)


def test_bars_of_lengths_are_as_high_as_the_counts(tmp_path):
    array = pixels(draw_length_distribution({10: 4, 11: 8, 13: 2, 20: 1}, tmp_path / 'x.png'))
    assert array.shape == (SIZE[1], SIZE[0], 3)
    heights = is_colour(array, BAR).sum(0)
    tops = [int(max(heights[start:stop])) for start, stop in columns(heights > 0)]
    assert np.asarray(tops) / tops[1] == pytest.approx([0.5, 1, 0.25, 0.125], abs=0.02)
    assert not touches_the_edge(array)


def columns(line):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
    return zip(edges[::2], edges[1::2], strict=True)


@pytest.mark.parametrize('lengths', [{0: 3}, {24: 10_000}, {1: 1, 5000: 7}, {n: n * n for n in range(12, 40)}])
def test_any_lengths_have_room(tmp_path, lengths):
    array = pixels(draw_length_distribution(lengths, tmp_path / 'x.png'))
    assert is_colour(array, BAR).any() and not touches_the_edge(array)


@pytest.mark.parametrize(
    'counts',
    [{'bag': 0}, {'bag': 0, 'hat': 0}, {'an attribute whose name is far too long for a plot': 10**9}, {'$x$': 1}],
)
def test_any_attributes_have_room(tmp_path, counts):
    array = pixels(draw_attribute_frequency(counts, 10**9, tmp_path / 'x.png'))
    assert (array != 255).any() and not touches_the_edge(array)


def test_nothing_to_draw_is_refused(tmp_path):
    for draw, what in (
        (lambda path: draw_word_cloud({}, path), 'frequencies'),
        (lambda path: draw_attribute_frequency({}, 1, path), 'counts'),
        (lambda path: draw_length_distribution({}, path), 'lengths'),
        (lambda path: draw_caption_sheet([], path), 'cells'),
    ):
        with pytest.raises(ValueError, match=f'{what} must'):
            draw(tmp_path / 'x.png')
    with pytest.raises(ValueError, match='picture format'):
        draw_caption_sheet([SheetCell('x')], tmp_path / 'x.nothing')
    assert not list(tmp_path.iterdir())


def test_plots_leave_pyplot_alone(tmp_path):
    code = (
        'import sys, mmt2ireid.visualization.caption_plots as plots\n'
        'plots.draw_length_distribution({3: 1}, sys.argv[1])\n'
        'assert "matplotlib.pyplot" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', code, str(tmp_path / 'x.png')], check=True)


LONG = 'a man in a very long and colourful coat with many buttons walks slowly along the street ' * 8


def test_images_keep_their_proportions_in_equal_frames(tmp_path):
    sizes = [(20, 40), (5, 300), (300, 5), (1, 1)]
    cells = [SheetCell('a man', Image.new('RGB', size, (200, 0, 10 * n))) for n, size in enumerate(sizes)]
    array = pixels(draw_caption_sheet(cells, tmp_path / 'x.png', max_bytes=None))
    for number, (width, height) in enumerate(sizes):
        ys, xs = np.nonzero(is_colour(array, (200, 0, 10 * number)))
        shown = np.ptp(xs) + 1, np.ptp(ys) + 1
        scale = min(STYLE.image_width / width, STYLE.image_height / height)
        assert shown == (max(1, round(scale * width)), max(1, round(scale * height)))


@pytest.mark.parametrize('count', [1, 2, 3])
def test_long_texts_stay_in_their_cells(tmp_path, count):
    phrases = [SheetPhrase(f'an {"extremely " * 9}long phrase {n}', n % 2 == 0, 'a truth ' * 12) for n in range(14)]
    cells = [SheetCell(LONG, Image.new('RGB', (48, 96), (0, 0, 255)), phrases) for _ in range(count)]
    array = pixels(draw_caption_sheet(cells, tmp_path / 'x.png', max_bytes=None))
    margin = STYLE.margin
    for edge in (array[:margin], array[-margin:], array[:, :margin], array[:, -margin:]):
        assert (edge == 255).all()
    if count > 1:  # nor does the text of the left cell reach the right image
        left = margin + STYLE.cell_width
        assert (array[margin : margin + STYLE.image_height, left : left + 2 * STYLE.gap] == 255).all()
    # Between two rows there is the rule and nothing else.
    if count == 3:
        between = array[margin + STYLE.image_height : margin + STYLE.image_height + STYLE.row_gap, margin:-margin]
        assert set(map(tuple, between.reshape(-1, 3))) == {(255, 255, 255), ImageColor.getrgb(STYLE.rule)}


def test_right_and_wrong_phrases_differ_in_colour(tmp_path):
    def colours(*phrases):
        cells = [SheetCell('a man', Image.new('RGB', (48, 96)), phrases)]
        array = pixels(draw_caption_sheet(cells, tmp_path / 'x.png', max_bytes=None))
        return {name for name in ('hit', 'miss', 'faint') if is_colour(array, getattr(STYLE, name)).any()}

    assert colours(SheetPhrase('young')) == {'faint'}
    assert colours(SheetPhrase('young', True)) == {'hit'}
    assert colours(SheetPhrase('young', False, 'old')) == {'miss', 'faint'}
    assert colours() == set()


def test_a_missing_image_leaves_a_frame_with_its_name(tmp_path):
    array = pixels(draw_caption_sheet([SheetCell('a man', name='cam/1.jpg')], tmp_path / 'x.png', max_bytes=None))
    frame = array[STYLE.margin : STYLE.margin + STYLE.image_height, STYLE.margin : STYLE.margin + STYLE.image_width]
    assert is_colour(frame, STYLE.back).mean() > 0.8
    assert is_colour(frame, STYLE.faint).any()


@pytest.mark.parametrize('ending', ['jpg', 'png'])
def test_a_picture_gets_no_larger_than_allowed(tmp_path, ending):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8))
    path = save_picture(noise, tmp_path / f'x.{ending}', max_bytes=60_000)
    assert 20_000 < path.stat().st_size <= 60_000
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with pytest.raises(ValueError, match='max_bytes must leave room'):
        save_picture(noise, tmp_path / f'y.{ending}', max_bytes=100)
