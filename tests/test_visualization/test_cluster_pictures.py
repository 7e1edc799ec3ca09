"""Sheets of clusters, and paired and unpaired hits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cluster_parts import colours_of, crop, labelled
from PIL import Image, ImageColor

from mmt2ireid.visualization import paired_strip
from mmt2ireid.visualization.cluster_sheet import ClusterCard, ClusterMember, ClusterStyle, render_cluster_sheet
from mmt2ireid.visualization.clustered_pairs import ClusteredPairs, choose_clusters, make_card
from mmt2ireid.visualization.ranked_strip import StripRow, StripStyle, render_ranked_strips
from mmt2ireid.visualization.saved_features import SavedFeatures

STYLE = ClusterStyle()
LONG = ('word ' * 300, 'x' * 500, '一个穿红色外套的男人。' * 9)
CAPTIONS = ('', ' \n', 'a man', *LONG, 'Человек в красном', 'رجل', 'an \U0001f9d1\u200d\U0001f9b0 in red')


def cell(row: int, column: int) -> tuple[int, int]:
    """Left and top of a cell of the sheet."""
    left = 2 * STYLE.margin + STYLE.text_width + column * (STYLE.cell_width + STYLE.gap)
    return left, STYLE.margin + 2 * STYLE.title_size + row * (STYLE.cell_height + STYLE.row_gap)


def frames(picture: Image.Image, row: int, column: int) -> tuple:
    """Colours of a cell's background, of the frame of its crop and of that of its caption."""
    left, top = cell(row, column)
    middle, crop_frame = top + STYLE.cell_height // 2, left + STYLE.pad + STYLE.frame // 2
    caption_frame = crop_frame + STYLE.crop_width + 2 * STYLE.frame + STYLE.pad
    return tuple(picture.getpixel((x, middle)) for x in (left + 2, crop_frame, caption_frame))


@pytest.mark.parametrize('modality', ['img', 'txt'])
def test_frames_tell_right_from_wrong_and_backgrounds_added_from_old(modality):
    states = [(False, True), (False, False), (True, True), (True, False), (True, None)]
    members = [ClusterMember('a man', crop(3), added, right) for added, right in states]
    cards = [ClusterCard('img', 0, 1, 1, [ClusterMember('x', crop(1))]), ClusterCard(modality, 7, 2, 5, members, 3)]
    picture = render_cluster_sheet(cards)
    assert picture.size == (
        cell(0, 5)[0] - STYLE.gap + STYLE.margin,
        STYLE.margin + 2 * STYLE.title_size + 2 * (STYLE.cell_height + STYLE.row_gap) + STYLE.margin,
    )
    colours = {True: STYLE.hit, False: STYLE.miss, None: STYLE.unknown}
    for column, (added, right) in enumerate(states):
        back = ImageColor.getrgb(STYLE.added if added else 'white')
        frame = ImageColor.getrgb(colours[right])
        wanted = (back, frame, back) if modality == 'img' else (back, back, frame)
        assert frames(picture, 1, column) == wanted, (added, right)
        left, top = cell(1, column)
        middle = left + STYLE.pad + STYLE.frame + STYLE.crop_width // 2, top + STYLE.cell_height // 2
        assert picture.getpixel(middle) == (30, 80, 200)


def test_legend_names_what_is_there():
    known = render_cluster_sheet([ClusterCard('img', 0, 1, 1, [ClusterMember('x', crop(1), right=True)], 1)])
    unknown = render_cluster_sheet([ClusterCard('img', 0, 1, 1, [ClusterMember('x', crop(1))])])
    green, blue, yellow = (ImageColor.getrgb(colour) for colour in (STYLE.hit, STYLE.unknown, STYLE.added))
    assert green in colours_of(known) and blue not in colours_of(known) and yellow not in colours_of(known)
    assert blue in colours_of(unknown) and green not in colours_of(unknown)


@pytest.mark.parametrize('caption', CAPTIONS)
@pytest.mark.parametrize('modality', ['img', 'txt'])
def test_captions_of_any_kind_stay_in_their_cell(caption, modality):
    member = ClusterMember(caption, None, True, True)
    picture = np.asarray(render_cluster_sheet([ClusterCard(modality, 1, 0, 1, [member])]))
    left, top = cell(0, 0)
    outside = picture.copy()
    outside[top : top + STYLE.cell_height, left : left + STYLE.cell_width] = 255
    assert (outside[top:, left - STYLE.gap :] == 255).all()
    inside = picture[top : top + STYLE.cell_height, left : left + STYLE.cell_width]
    edge = np.concatenate([inside[[0, -1]].reshape(-1, 3), inside[:, [0, -1]].reshape(-1, 3)])
    assert (edge == ImageColor.getrgb(STYLE.added)).all()
    caption_box = inside[:, STYLE.crop_width + 2 * STYLE.pad + 3 * STYLE.frame :]
    assert (caption_box.sum(-1) < 500).any(), 'nothing is written'


def test_no_cluster_is_said():
    empty, noted = render_cluster_sheet([]), render_cluster_sheet([], note='seed 0')
    assert (np.asarray(empty) != 255).any() and noted.height > empty.height
    assert (np.asarray(empty)[:, -STYLE.margin // 2 :] == 255).all()
    narrow = render_cluster_sheet([ClusterCard('img', 0, 1, 1, [ClusterMember('x')])], note='chosen by chance ' * 12)
    assert (np.asarray(narrow)[:, -STYLE.margin // 2 :] == 255).all()


def test_sheets_refuse():
    with pytest.raises(ValueError, match="modality must be 'img' or 'txt', but got 'x'"):
        ClusterCard('x', 0, 1, 1, [ClusterMember('a')])
    with pytest.raises(ValueError, match='members must be 1 to 1 of the cluster, but got 2'):
        ClusterCard('img', 0, 1, 1, [ClusterMember('a')] * 2)
    with pytest.raises(ValueError, match='members must be 1 to 1 of the cluster, but got 0'):
        ClusterCard('img', 0, 1, 1, [])


def test_choice_of_clusters():
    after = np.array([0] * 5 + [1] * 4 + [2] * 3 + [3] * 3 + [-1] * 2)
    before = after.copy()
    before[[0, 1, 2, 5, 9, 10]] = -1  # 0 gains three, 1 one, 2 two, 3 none
    assert choose_clusters(before, after, 4, 'largest') in ([0, 2, 1, 3],)
    assert choose_clusters(before, after, 2, 'largest') == [0, 2]
    drawn = [choose_clusters(before, after, 3, 'changed', seed=seed) for seed in range(20)]
    assert {tuple(sorted(labels)) for labels in drawn} == {(0, 1, 2)} and len({tuple(labels) for labels in drawn}) > 3
    assert {choose_clusters(before, after, 4, seed=seed)[3] for seed in range(9)} == {3}
    assert {choose_clusters(before, after, 1, 'random', seed=seed)[0] for seed in range(30)} == {0, 1, 2, 3}
    assert choose_clusters(before, after, 9, seed=1) == choose_clusters(before, after, 9, seed=1)
    nothing = np.full(5, -1)
    assert choose_clusters(nothing, nothing, 4) == choose_clusters(nothing[:0], nothing[:0], 4) == []
    with pytest.raises(ValueError, match=r"how must be one of .*, but got 'best'"):
        choose_clusters(before, after, 1, 'best')


def test_a_card_holds_what_the_labels_say():
    after = np.array([0, 0, 0, 0, 1, -1])
    before = np.array([0, -1, 0, -1, -1, -1])
    pairs = ClusteredPairs(
        img_feats=np.zeros((6, 2)), txt_feats=np.zeros((3, 2)), image_of=np.array([0, 0, 2]),
        pids=np.array([7, 7, 8, -1, 9, 9]), captions=['first', 'second', 'third'],
        before=(before, np.array([-1, 0, 0])), after=(after, np.array([0, 0, 0])),
    )  # fmt: skip
    card = make_card(pairs, 'img', 0, lambda image: image)
    assert [member.image for member in card.members] == [0, 2, 1, 3]  # those that were there first
    assert [member.added for member in card.members] == [False, False, True, True]
    assert [member.right for member in card.members] == [True, False, True, None]
    assert [member.caption for member in card.members] == ['second', 'third', '', '']  # clustered ones go first
    assert (card.num_before, card.num_after, card.most_of_one) == (2, 4, 2)
    card = make_card(pairs, 'txt', 0, lambda image: image)
    assert [(member.caption, member.image, member.added) for member in card.members] == [
        ('second', 0, False), ('third', 2, False), ('first', 0, True),
    ]  # fmt: skip
    assert make_card(pairs, 'img', 1, lambda image: image).num_before == 0
    few = make_card(pairs, 'img', 0, lambda image: image, max_members=3)
    assert [member.added for member in few.members] == [False, False, True] and few.num_after == 4
    for label in (-1, 2):
        with pytest.raises(ValueError, match=f'clusters of img must be from 0 to 1, but got {label}'):
            make_card(pairs, 'img', label, lambda image: image)


def test_a_cluster_of_as_many_persons_as_members_has_no_right_one():
    labels = np.zeros(2, dtype=int), np.zeros(0, dtype=int)
    pairs = ClusteredPairs(np.zeros((2, 2)), np.zeros((0, 2)), np.zeros(0, int), np.arange(2), [], labels, labels)
    assert [member.right for member in make_card(pairs, 'img', 0, crop).members] == [False, False]


def test_pairs_of_other_lengths_are_refused():
    good = labelled()
    with pytest.raises(ValueError, match='before of txt must have 48 entries, but got 3'):
        replace(good, before=(good.before[0], np.zeros(3, int)))
    with pytest.raises(ValueError, match='pids must have 24 entries, but got 2'):
        replace(good, pids=np.zeros(2, int))


def row(paired, hits, **changes) -> StripRow:
    return StripRow('a man', [crop(n) for n in range(len(hits))], [0.5] * len(hits), hits, paired=paired, **changes)


def test_paired_hits_are_red_unpaired_ones_blue_and_others_thinly_grey():
    style = StripStyle()
    picture = render_ranked_strips([row([False, True, False], [True, True, False])])
    line = style.margin + style.frame + style.crop_height // 2
    left = style.margin + style.text_width + style.margin
    seen = [picture.getpixel((left + rank * (style.cell_width + style.gap) + 2, line)) for rank in range(3)]
    assert seen == [ImageColor.getrgb(style.unpaired), ImageColor.getrgb(style.paired), (255, 255, 255)]
    third = left + 2 * (style.cell_width + style.gap) + style.frame - 1
    assert picture.getpixel((third, line)) == ImageColor.getrgb(style.faint)


def test_groups_stand_side_by_side():
    style = paired_strip.STYLE
    rows = [row([True, False], [True, True]), row([False, False], [False, True])]
    one = paired_strip.render_paired_strips([('One', rows)] * 1)
    two = paired_strip.render_paired_strips([('One', rows), ('Two', rows[:1])])
    column = 2 * style.margin + style.text_width + style.margin + 2 * (style.cell_width + style.gap) - style.gap
    assert two.width == max(2 * column, one.width) and one.height == two.height
    assert {ImageColor.getrgb(style.paired), ImageColor.getrgb(style.unpaired)} <= colours_of(one)
    assert one.tobytes() == paired_strip.render_paired_strips([('One', rows)]).tobytes()
    pixels = np.asarray(two)
    edges = [pixels[: style.margin // 2], pixels[-style.margin // 3 :], pixels[:, : style.margin // 2]]
    assert all((edge == 255).all() for edge in [*edges, pixels[:, -style.margin // 2 :]])


def test_strips_refuse():
    with pytest.raises(ValueError, match='at least one row each'):
        paired_strip.render_paired_strips([])
    with pytest.raises(ValueError, match='at least one row each'):
        paired_strip.render_paired_strips([('One', [])])
    with pytest.raises(ValueError, match='paired=None'):
        paired_strip.render_paired_strips([('One', [row(None, [True])])])
    with pytest.raises(ValueError, match='paired must have 2 entries, but got 1'):
        row([True], [True, False])
    for number, images in ((0, 3), (2, 0)):
        with pytest.raises(ValueError, match=f'but got {number} of {images}'):
            paired_strip.choose_queries(np.zeros(3, int), np.arange(images), number)


def test_queries_are_of_one_person_and_of_others():
    pids, txt_image = np.array([3, 3, 5, 6, 7, 8]), np.array([0, 0, 1, 2, 3, 4, 5])
    for seed in range(20):
        one, others = paired_strip.choose_queries(pids, txt_image, 6, seed=seed)
        assert one == [0, 1, 2]  # the only person with three
        assert len(set(pids[txt_image[others]]) - {3}) == len(others) == 3
    assert paired_strip.choose_queries(pids, txt_image, 6) == paired_strip.choose_queries(pids, txt_image, 6)
    assert paired_strip.choose_queries(pids[:1], txt_image[:2], 5) == ([0, 1], [])  # there is nobody else
    one, others = paired_strip.choose_queries(np.arange(4), np.arange(4), 4, seed=2)
    assert len(one) == 1 and len(others) == 2


def test_rows_show_what_cosines_rank():
    split = labelled()
    features = SavedFeatures(split.img_feats, split.txt_feats, split.pids, split.image_of, [], split.captions)
    for caption, found in zip(
        (3, 30), paired_strip.paired_rows(features, [3, 30], topk=7, load_image=lambda image: image), strict=True
    ):
        cosines = [
            float(image @ split.txt_feats[caption] / np.linalg.norm(image) / np.linalg.norm(split.txt_feats[caption]))
            for image in split.img_feats.astype(np.float64)
        ]
        order = sorted(range(24), key=lambda image: -cosines[image])[:7]
        assert found.images == order and found.query_text == f'caption {caption}'
        assert found.scores == pytest.approx([cosines[image] for image in order], abs=1e-6)
        assert found.hits == [split.pids[image] == split.pids[caption // 2] for image in order]
        assert found.paired == [image == caption // 2 for image in order]
