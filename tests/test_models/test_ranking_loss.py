import itertools
from collections import Counter

import pytest
import torch
from torch.autograd import gradcheck

from mmt2ireid.models.losses import RankingLoss, ranking_loss

MARGIN = 0.2


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def random_pairs(batch, dim=3, seed=0):
    generator = seeded(seed)
    return [torch.randn(batch, dim, generator=generator, dtype=torch.float64) for _ in range(2)]


def cosine(a, b):
    return (a @ b / a.norm() / b.norm()).item()


def semi_hard_sets(img, txt, pids, margin=MARGIN):
    """Per direction and anchor the violations l_j of its semi-hard set, by eq. 5."""
    directions = []
    for anchors, others in ((img, txt), (txt, img)):
        sets = []
        for i, anchor in enumerate(anchors):
            members = []
            for j, other in enumerate(others):
                known_same = pids[i] == pids[j] and pids[i] >= 0
                violation = cosine(anchor, other) - cosine(anchor, others[i]) + margin
                if j != i and not known_same and 0 < violation < margin:
                    members.append(violation)
            sets.append(members)
        directions.append(sets)
    return directions


def possible_values(directions, reduction):
    """Every value that eq. 5 can take, over all draws."""
    per_direction = []
    for sets in directions:
        contributing = [members for members in sets if members]
        sums = [sum(draw) for draw in itertools.product(*contributing)]
        divisor = max(1, len(contributing)) if reduction == 'mean' else 1
        per_direction.append([value / divisor for value in sums])
    return torch.tensor([a + b for a in per_direction[0] for b in per_direction[1]], dtype=torch.float64)


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
@pytest.mark.parametrize('pids', [[0, 1, 2, 3, 4], [0, 0, 1, 1, 2], [-1, -1, -1, 3, 3]])
def test_value_is_one_of_the_possible_draws(reduction, pids):
    sizes = set()
    for seed in range(12):
        img, txt = random_pairs(5, seed=seed)
        directions = semi_hard_sets(img, txt, pids, margin=0.8)
        sizes.update(len(members) for sets in directions for members in sets)
        possible = possible_values(directions, reduction)
        for draw in range(3):
            value = ranking_loss(img, txt, torch.tensor(pids), 0.8, reduction, seeded(draw))
            assert (possible - value).abs().min() < 1e-9
    assert {0, 1, 2} <= sizes  # anchors without, with one and with several candidates were among them


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
def test_sets_of_at_most_one_member_leave_nothing_to_chance(reduction):
    checked = 0
    for seed in range(40):
        img, txt = random_pairs(3, seed=seed)
        pids = [0, 1, 1]
        directions = semi_hard_sets(img, txt, pids)
        if max(len(members) for sets in directions for members in sets) > 1:
            continue
        expected = possible_values(directions, reduction)
        assert len(expected) == 1
        value = ranking_loss(img, txt, torch.tensor(pids), MARGIN, reduction)
        assert value.item() == pytest.approx(expected.item(), abs=1e-9)
        checked += expected.item() > 0
    assert checked >= 5


def one_anchor_with_four_candidates():
    """Image 0 has semi-hard texts 1..4 at known violations; no other anchor has any."""
    cosines = torch.tensor([0.5, 0.35, 0.4, 0.45, 0.48], dtype=torch.float64)
    basis = torch.eye(6, dtype=torch.float64)
    txt = cosines[:, None] * basis[5] + (1 - cosines**2).sqrt()[:, None] * basis[:5]
    img = basis[[5, 1, 2, 3, 4]]
    return img, txt, torch.tensor([0, 1, 1, 1, 1]), (cosines - 0.5 + MARGIN)[1:]


def test_draw_is_uniform_over_the_set():
    img, txt, pids, violations = one_anchor_with_four_candidates()
    draws = 1200
    counts = Counter()
    for seed in range(draws):
        value = ranking_loss(img, txt, pids, MARGIN, 'sum', seeded(seed))
        distance, member = (violations - value).abs().min(0)
        assert distance < 1e-9
        counts[int(member)] += 1
    expected = draws / len(violations)
    chi_square = sum((counts[j] - expected) ** 2 / expected for j in range(len(violations)))
    assert chi_square < 16.3  # 99.9 % quantile at 3 degrees of freedom


def test_same_generator_same_draw():
    img, txt = random_pairs(32, seed=5)
    pids = torch.arange(32)
    values = [ranking_loss(img, txt, pids, generator=seeded(seed)).item() for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


def test_mean_divides_by_contributing_anchors_of_each_direction():
    img, txt, pids, _ = one_anchor_with_four_candidates()
    mean = ranking_loss(img, txt, pids, MARGIN, 'mean', seeded(0))
    total = ranking_loss(img, txt, pids, MARGIN, 'sum', seeded(0))
    assert mean == total > 0  # one anchor contributes, in one direction


def test_violators_beyond_the_margin_do_not_count():
    """A negative nearer than the positive is hard, not semi-hard."""
    img = torch.eye(2, dtype=torch.float64)
    value = ranking_loss(img, img.flip(0), torch.tensor([0, 1]))
    assert value == 0


@pytest.mark.parametrize('pids', [[3, 3, 3, 3], [3]])
def test_nothing_to_contrast_gives_zero_and_zero_gradients(pids):
    img, txt = (x.requires_grad_() for x in random_pairs(len(pids)))
    value = ranking_loss(img, txt, torch.tensor(pids))
    value.backward()
    assert value == 0
    for grad in (img.grad, txt.grad):
        assert torch.equal(grad, torch.zeros_like(grad))


def test_unknown_identities_are_identities_of_their_own():
    img, txt = random_pairs(8, seed=3)
    unknown = ranking_loss(img, txt, torch.full((8,), -1), 0.8, 'mean', seeded(0))
    distinct = ranking_loss(img, txt, torch.arange(8), 0.8, 'mean', seeded(0))
    assert unknown == distinct > 0


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
def test_gradients(reduction):
    img, txt = (x.requires_grad_() for x in random_pairs(5, seed=2))
    pids = torch.tensor([0, 1, 2, 0, 1])
    assert ranking_loss(img, txt, pids, 0.8, reduction, seeded(0)) > 0
    assert gradcheck(lambda v, t: ranking_loss(v, t, pids, 0.8, reduction, seeded(0)), (img, txt))


def test_order_of_pairs_does_not_matter():
    """Where sets have one member at most, so that the draw can't differ."""
    img, txt = random_pairs(4, seed=11)
    pids = torch.tensor([0, 1, 1, 1])
    order = torch.tensor([2, 0, 3, 1])
    sets = semi_hard_sets(img, txt, pids.tolist(), margin=0.3)
    assert max(len(members) for direction in sets for members in direction) == 1
    torch.testing.assert_close(
        ranking_loss(img[order], txt[order], pids[order], 0.3), ranking_loss(img, txt, pids, 0.3)
    )


def test_modalities_are_symmetric_and_lengths_do_not_matter():
    img, txt, pids, violations = one_anchor_with_four_candidates()
    keep = [0, 3]
    forth = ranking_loss(img[keep], txt[keep], pids[keep])
    back = ranking_loss(5 * txt[keep], img[keep] / 4, pids[keep])
    torch.testing.assert_close(forth, violations[2])
    torch.testing.assert_close(back, forth)


def test_defaults():
    img, txt = random_pairs(8, seed=3)
    pids = torch.arange(8)
    torch.manual_seed(0)
    default = ranking_loss(img, txt, pids)
    torch.manual_seed(0)
    named = ranking_loss(img_embed=img, txt_embed=txt, pids=pids, margin=0.2, reduction='mean', generator=None)
    assert default == named > 0


@pytest.mark.parametrize('make', [lambda **kw: ranking_loss(*random_pairs(2), torch.arange(2), **kw), RankingLoss])
@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(margin=0.0), 'margin must be positive, but got 0.0'),
        (dict(reduction='median'), "reduction must be one of .* but got 'median'"),
    ],
)
def test_bad_arguments(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)


def test_module_draws_by_step_seed():
    img, txt = random_pairs(32, seed=5)
    pids = torch.arange(32)
    loss = RankingLoss(margin=0.3, reduction='sum')
    values = []
    for seed in (7, 8, 7):
        loss.seed_step(seed)
        values.append(loss(img, txt, pids).item())
    assert values[0] == values[2] != values[1]
    assert values[0] == ranking_loss(img, txt, pids, 0.3, 'sum', seeded(7)).item()
