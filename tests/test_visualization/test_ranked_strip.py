from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageColor

from mmt2ireid.visualization import StripRow, StripStyle, draw_ranked_strip, draw_ranked_strips
from mmt2ireid.visualization.lettering import fit_quotation

STYLE = StripStyle()
GREEN, RED = ImageColor.getrgb(STYLE.hit), ImageColor.getrgb(STYLE.miss)


def crops(count: int) -> list[Image.Image]:
    return [Image.new('RGB', (20 + 7 * number, 64), (10 * number, 80, 200)) for number in range(count)]


def frame_colours(picture: Image.Image) -> list[tuple[int, int, int]]:
    """Colours of the frames from left to right, read along the middle of the first row."""
    line = np.asarray(picture)[STYLE.margin + STYLE.frame + STYLE.crop_height // 2]
    colours = [tuple(map(int, pixel)) for pixel in line]
    runs = [colour for colour, before in zip(colours[1:], colours[:-1], strict=True) if colour != before]
    return [colour for colour in runs if colour in (GREEN, RED)][::2]


def test_right_crops_are_green_and_wrong_ones_red():
    hits = [True, False, False, True]
    picture = draw_ranked_strip('a man', crops(4), [0.9, 0.5, 0.4, 0.1], hits)
    assert frame_colours(picture) == [GREEN if hit else RED for hit in hits]


def test_crops_of_any_size_and_kind_fill_equal_cells():
    array = np.full((31, 77, 3), (1, 2, 3), dtype=np.uint8)
    thin = Image.new('RGBA', (9, 300), (9, 120, 33, 255))
    picture = np.asarray(draw_ranked_strip('a man', [array, thin], [1, 0], [1, 0], query_image=crops(2)[1]))
    for colour in ((1, 2, 3), (9, 120, 33), (10, 80, 200)):
        ys, xs = np.nonzero((picture == colour).all(2))
        assert (np.ptp(ys) + 1, np.ptp(xs) + 1) == (STYLE.crop_height, STYLE.crop_width)
        assert ys.min() == STYLE.margin + STYLE.frame


@pytest.mark.parametrize('kind', ['image', 'array'])
def test_a_transparent_cut_out_stands_on_white(kind):
    """It was drawn on the color below the transparent places, which nobody sees elsewhere."""
    array = np.zeros((60, 30, 4), np.uint8)
    array[..., 0] = 200
    array[20:40, 10:20] = 10, 120, 30, 255
    cut_out = Image.fromarray(array) if kind == 'image' else array
    picture = np.asarray(draw_ranked_strip('a man', [cut_out], [1], [1], query_image=cut_out))
    assert (picture == (10, 120, 30)).all(2).any() and not (picture == (200, 0, 0)).all(2).any()
    left = np.nonzero((picture[STYLE.margin + 1] == GREEN).all(1))[0].min() + STYLE.frame
    top = STYLE.margin + STYLE.frame
    assert (picture[top : top + 40, left : left + STYLE.crop_width] == 255).all()


def test_few_images_make_a_narrow_picture():
    wide = draw_ranked_strip('a man', crops(10), [0.5] * 10, [0] * 10)
    narrow = draw_ranked_strip('a man', crops(3), [0.5] * 3, [0] * 3)
    assert wide.width - narrow.width == 7 * (STYLE.cell_width + STYLE.gap)
    assert wide.height == narrow.height


def test_figure_of_several_rows(tmp_path):
    rows = [
        StripRow('a man in red', crops(10), [0.5] * 10, [0] * 10, crops(1)[0]),
        StripRow('word ' * 300, crops(2), [0.5] * 2, [1, 0]),
    ]
    path = draw_ranked_strips(rows, tmp_path / 'new' / 'strip.png')
    with Image.open(path) as picture:
        assert picture.info['dpi'] == pytest.approx((200, 200), abs=0.1)
        pixels = np.asarray(picture)
    margins = [pixels[: STYLE.margin // 2], pixels[-STYLE.margin // 2 :], pixels[:, : STYLE.margin // 2]]
    assert all((margin == 255).all() for margin in [*margins, pixels[:, -STYLE.margin // 2 :]])
    assert [file.name for file in path.parent.iterdir()] == ['strip.png']
    first = path.read_bytes()
    assert draw_ranked_strips(rows, path).read_bytes() == first
    assert draw_ranked_strips(rows, tmp_path / 'strip.pdf').read_bytes().startswith(b'%PDF')


def test_header_of_a_single_crop_stays_inside(tmp_path):
    path = draw_ranked_strips([StripRow('a man', crops(1), [0.5], [1])], tmp_path / 'strip.png')
    with Image.open(path) as picture:
        assert (np.asarray(picture)[:, -STYLE.margin // 2 :] == 255).all()


def test_a_failed_write_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / 'strip.png'
    path.write_bytes(b'old')

    def fail(self, file, **kwargs):
        file.write_bytes(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(Image.Image, 'save', fail)
    with pytest.raises(OSError, match='disk full'):
        draw_ranked_strips([StripRow('a man', crops(1), [0.5], [1])], path)
    assert [file.name for file in tmp_path.iterdir()] == ['strip.png']
    assert path.read_bytes() == b'old'


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ValueError, match=r'equally many and not empty, but got \(2, 1, 2\)'):
        draw_ranked_strip('a man', crops(2), [0.5], [1, 0])
    with pytest.raises(ValueError, match='not empty'):
        draw_ranked_strip('a man', [], [], [])
    with pytest.raises(ValueError, match='rows must not be empty'):
        draw_ranked_strips([], tmp_path / 'strip.png')
    with pytest.raises(ValueError, match='name of a picture format'):
        draw_ranked_strips([StripRow('a man', crops(1), [0.5], [1])], tmp_path / 'strip.xyz')


@pytest.mark.parametrize('words', [0, 1, 25, 60, 400])
def test_text_stays_in_its_box(words):
    text = ' '.join(['pedestrian', 'in', 'a', 'colourful', 'striped'][number % 5] for number in range(words))
    block = fit_quotation(text, 500, 270)
    assert block.height <= 270
    assert max(block.font.getlength(line) for line in block.lines) <= 500
    shown = ' '.join(block.lines)
    assert shown == f'“{text}”' if words <= 60 else shown.endswith(' …”')
    assert block.font.size == 34 or words > 25


@pytest.mark.parametrize('width', range(150, 700, 37))
def test_a_text_that_is_cut_ends_behind_a_word(width):
    words = ['pedestrian', 'in', 'a', 'colourful', 'striped'] * 80
    block = fit_quotation(' '.join(words), width, 120)
    shown = ' '.join(block.lines).removeprefix('“')
    assert shown.endswith(' …”') and max(block.font.getlength(line) for line in block.lines) <= width
    kept = shown.removesuffix(' …”').split()
    assert kept == words[: len(kept)]


def test_a_text_without_blanks_is_cut_anywhere():
    block = fit_quotation('字' * 400, 300, 100)
    assert block.lines[-1].endswith('字 …”') and len(block.lines[-1]) > 8


def test_a_word_wider_than_the_box_is_broken():
    block = fit_quotation('x' * 200, 300, 2000)
    assert len(block.lines) > 1 and ''.join(block.lines) == '“' + 'x' * 200 + '”'
    assert max(block.font.getlength(line) for line in block.lines) <= 300
