import numpy as np
import pytest
from person_data import make_records, write_images, write_json

from mmt2ireid.datasets import ICFGPEDES, RSTPReid


@pytest.fixture
def icfg(tmp_path):
    """ICFG-PEDES: 12 train identities (0-based) with 2 images each, 5 test ones; one caption each."""
    # imgs/test also holds training images: the folder is MSMT17's.
    records = make_records(12, 2, first_id=0, folder='test') + make_records(5, 2, 'test', 12, folder='train')
    for record in records:
        record['captions'] = record['captions'][:1]
    write_images(tmp_path / 'imgs', records)
    write_json(tmp_path / 'ICFG-PEDES.json', records)
    return tmp_path


def raw_pids(root, **kwargs):
    dataset = ICFGPEDES(data_root=str(root), unit='image', **kwargs)
    return dataset.pids


def test_icfg_holds_out_whole_identities(icfg):
    train, val = (raw_pids(icfg, split=split, holdout_ids=4) for split in ('train', 'val'))
    assert len(np.unique(val)) == 4 and len(val) == 8 and len(train) == 16
    assert set(train) | set(val) == set(range(12)) and not set(train) & set(val)
    assert raw_pids(icfg, split='test').tolist() == np.repeat(np.arange(12, 17), 2).tolist()


def test_icfg_holdout_depends_on_its_seed_only(icfg):
    first = raw_pids(icfg, split='val', holdout_ids=4)
    assert np.array_equal(first, raw_pids(icfg, split='val', holdout_ids=4))
    others = [raw_pids(icfg, split='val', holdout_ids=4, holdout_seed=seed) for seed in range(1, 5)]
    assert any(not np.array_equal(first, other) for other in others)


def test_icfg_trains_on_all_if_asked_to(icfg):
    dataset = ICFGPEDES(data_root=str(icfg), holdout_ids=0)
    assert (dataset.num_pids, len(dataset)) == (12, 24)
    held = ICFGPEDES(data_root=str(icfg), holdout_ids=4)
    assert held.num_pids == 8 and set(held.pids) == set(range(8))


def test_icfg_refuses_what_cannot_be(icfg):
    with pytest.raises(ValueError, match="holdout_ids must be at least 1 for split='val'"):
        ICFGPEDES(data_root=str(icfg), split='val', holdout_ids=0)
    with pytest.raises(ValueError, match='holdout_ids must be less than the 12 training identities'):
        ICFGPEDES(data_root=str(icfg), holdout_ids=12)
    with pytest.raises(ValueError, match='holdout_ids must be at least 0'):
        ICFGPEDES(data_root=str(icfg), holdout_ids=-1)


@pytest.mark.parametrize('ann_file', ['', 'ICFG-PEDES.json', 'ICFG_PEDES.json'])
@pytest.mark.parametrize('on_disk', ['ICFG-PEDES.json', 'ICFG_PEDES.json'])
def test_icfg_takes_both_spellings(icfg, ann_file, on_disk):
    (icfg / 'ICFG-PEDES.json').rename(icfg / on_disk)
    assert len(ICFGPEDES(data_root=str(icfg), ann_file=ann_file, holdout_ids=2)) == 20


def test_icfg_missing_file_is_named(icfg):
    (icfg / 'ICFG-PEDES.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'ICFG-PEDES.json of ICFG-PEDES'):
        ICFGPEDES(data_root=str(icfg))


def make_rstp(root, num_train=6, num_test=3):
    records = make_records(num_train, 5, first_id=0, path_key='img_path', folder='')
    records += make_records(num_test, 5, 'test', num_train, path_key='img_path', folder='')
    for record in records:
        record['img_path'] = record['img_path'].lstrip('/')
    (root / 'imgs').mkdir()
    write_images(root / 'imgs', [records[0], records[-1]], path_key='img_path')
    write_images(root / 'imgs', [next(r for r in records if r['split'] == 'test')], path_key='img_path')
    write_json(root / 'data_captions.json', records)
    return records


def test_rstp_reads_img_path(tmp_path):
    records = make_rstp(tmp_path)
    dataset = RSTPReid(data_root=str(tmp_path))
    assert (dataset.num_pids, dataset.num_images, len(dataset)) == (6, 30, 60)
    assert dataset.get_data_info(59)['img_path'] == f'{tmp_path}/imgs/{records[29]["img_path"]}'
    assert dataset.metainfo['image_source'] == ICFGPEDES.METAINFO['image_source'] == 'MSMT17'


def test_rstp_old_split_is_told_by_its_counts(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmt2ireid.datasets.rstp_reid.print_log', lambda message, **_: said.append(message))
    make_rstp(tmp_path, num_train=6, num_test=100)
    RSTPReid(data_root=str(tmp_path))
    assert not said
    RSTPReid(data_root=str(tmp_path), split='test', unit='image')
    assert len(said) == 1 and 'withdrawn' in said[0] and '100 identities' in said[0]
