import json
import pickle

import numpy as np
import pytest
from person_data import make_records, write_images, write_json
from said import listen

from mmt2ireid.datasets import CUHKPEDES, AnnotationError, BadImageError, LUPersonT
from mmt2ireid.datasets.seeding import SeededIndex
from mmt2ireid.registry import DATASETS

LOAD = [dict(type='mmt2ireid.LoadPersonImage')]


def test_pairs_of_the_training_split(cuhk):
    dataset = CUHKPEDES(data_root=str(cuhk.root))
    train = [record for record in cuhk.records if record['split'] == 'train']
    expected = [(r['file_path'], c, r['id'] - 1, n) for n, r in enumerate(train) for c in r['captions']]
    assert len(dataset) == len(expected) == dataset.num_captions
    assert (dataset.num_images, dataset.num_pids) == (24, 8)
    for index, (path, caption, pid, image_id) in enumerate(expected):
        info = dataset.get_data_info(index)
        assert info == {
            'img_path': f'{cuhk.root}/imgs/{path}',
            'captions': [caption],
            'pid': pid,
            'image_id': image_id,
            'sample_idx': index,
        }
    assert dataset.pids.tolist() == [pid for _, _, pid, _ in expected]
    assert dataset.get_data_info(-1) == dataset.get_data_info(len(dataset) - 1)
    assert dataset.metainfo['dataset'] == 'CUHK-PEDES'


def test_images_with_all_their_captions_keep_raw_ids(cuhk):
    dataset = CUHKPEDES(data_root=str(cuhk.root), split='test', unit='image')
    assert (len(dataset), dataset.num_images, dataset.num_captions, dataset.num_pids) == (8, 8, 24, 4)
    last = dataset.get_data_info(7)
    assert last['captions'] == [f'word{n} of ten' for n in range(10)]
    assert (last['pid'], last['image_id'], last['sample_idx']) == (16, 7, 7)


def test_ten_captions_make_ten_pairs(cuhk):
    dataset = CUHKPEDES(data_root=str(cuhk.root), split='test')
    assert [dataset.get_data_info(i)['captions'][0] for i in range(14, 24)] == [f'word{n} of ten' for n in range(10)]
    assert dataset.pids.max() == 3


def test_relabel_can_be_chosen(cuhk):
    assert CUHKPEDES(data_root=str(cuhk.root), relabel=False).pids.min() == 1
    assert CUHKPEDES(data_root=str(cuhk.root), unit='image', relabel=True).pids.min() == 0


def test_index_out_of_range_ends_iteration(cuhk):
    dataset = CUHKPEDES(data_root=str(cuhk.root), unit='image', pipeline=LOAD)
    assert len(list(dataset)) == 24
    with pytest.raises(IndexError, match='out of range for 24'):
        dataset[24]


def test_first_images_only(cuhk):
    whole, part = CUHKPEDES(data_root=str(cuhk.root)), CUHKPEDES(data_root=str(cuhk.root), max_images=5)
    assert (len(part), part.num_images, part.num_pids) == (10, 5, 2)
    assert [part.get_data_info(i) for i in range(10)] == [whole.get_data_info(i) for i in range(10)]


def test_subsets(cuhk):
    dataset = CUHKPEDES(data_root=str(cuhk.root))
    subset = dataset.get_subset([3, 47, 2])
    assert [subset.get_data_info(i)['captions'] for i in range(3)] == [
        dataset.get_data_info(i)['captions'] for i in (3, 47, 2)
    ]
    assert subset.pids.tolist() == dataset.pids[[3, 47, 2]].tolist()
    assert (len(dataset), len(dataset.get_subset(-4)), dataset.get_subset(5).num_images) == (48, 4, 3)


def test_lazy_init_reads_nothing(tmp_path):
    dataset = CUHKPEDES(data_root=str(tmp_path / 'nothing'), lazy_init=True)
    with pytest.raises(FileNotFoundError, match=r'no folder .*nothing'):
        dataset.full_init()


def test_missing_annotation_names_what_is_there(cuhk):
    (cuhk.root / 'reid_raw.json').rename(cuhk.root / 'other.json')
    with pytest.raises(FileNotFoundError, match=r"reid_raw.json of CUHK-PEDES.*'other.json'"):
        CUHKPEDES(data_root=str(cuhk.root))


def test_folder_in_place_of_the_annotation_is_named(cuhk):
    (cuhk.root / 'reid_raw.json').unlink()
    (cuhk.root / 'reid_raw.json').mkdir()
    with pytest.raises(FileNotFoundError, match=r'reid_raw.json .*\(it is a folder\).*no annotation file at all'):
        CUHKPEDES(data_root=str(cuhk.root))


def test_caption_all_json_is_recognised(cuhk):
    for record in cuhk.records:
        del record['split']
    write_json(cuhk.root / 'caption_all.json', cuhk.records)
    with pytest.raises(AnnotationError, match=r'caption_all.json, record 0.*use reid_raw.json'):
        CUHKPEDES(data_root=str(cuhk.root), ann_file='caption_all.json')


def test_records_of_one_image_are_one_image_with_all_captions(cuhk, monkeypatch):
    first = next(record for record in cuhk.records if record['split'] == 'test')
    captions = list(first['captions'])
    again = dict(first, file_path=f'./{first["file_path"]}', captions=[captions[0], 'a new one'])
    write_json(cuhk.root / 'reid_raw.json', [*cuhk.records, again])
    said = listen(monkeypatch, 'joined_records')
    dataset = CUHKPEDES(data_root=str(cuhk.root), split='test', unit='image')
    assert (len(dataset), dataset.num_images, dataset.num_captions) == (8, 8, 25)
    assert dataset.get_data_info(0)['captions'] == [*captions, 'a new one']
    assert len(said) == 1 and '1 record names an image that an earlier record names too' in said[0]
    assert '1 caption that it already has' in said[0]


def test_one_image_has_one_identity(cuhk):
    write_json(cuhk.root / 'reid_raw.json', [*cuhk.records, dict(cuhk.records[3], id=77)])
    with pytest.raises(AnnotationError, match=r"record 40 .*'id': expected 2, .* in record 3, but got 77"):
        CUHKPEDES(data_root=str(cuhk.root))


def test_an_image_in_two_splits_is_warned_of(cuhk, monkeypatch):
    write_json(cuhk.root / 'reid_raw.json', [*cuhk.records, dict(cuhk.records[3], split='test')])
    said = listen(monkeypatch, 'joined_records')
    assert len(CUHKPEDES(data_root=str(cuhk.root), split='test', unit='image')) == 9
    assert len(said) == 1 and '1 image is in more than one split' in said[0]


@pytest.mark.parametrize('path', ['cam_a/\0.png', 'cam_a/\ud800.png'])
def test_paths_that_no_file_has_are_refused(cuhk, path):
    cuhk.records[2]['file_path'] = path
    write_json(cuhk.root / 'reid_raw.json', cuhk.records)
    with pytest.raises(AnnotationError, match=r"record 2, field 'file_path': expected the path of an image"):
        CUHKPEDES(data_root=str(cuhk.root))


@pytest.mark.parametrize('path', ['../secret.png', 'cam_a/../../secret.png', '{root}/secret.png'])
def test_images_outside_of_the_folder_are_read_only_where_that_is_allowed(cuhk, path):
    cuhk.records[0]['file_path'] = path = path.format(root=cuhk.root)
    write_json(cuhk.root / 'reid_raw.json', cuhk.records)
    write_images(cuhk.root / 'imgs', cuhk.records[:1])
    with pytest.raises(AnnotationError, match=r'reid_raw\.json: expected images within .*imgs, but 1 records name one'):
        CUHKPEDES(data_root=str(cuhk.root))
    dataset = CUHKPEDES(data_root=str(cuhk.root), allow_outside=True, pipeline=LOAD)
    assert dataset[0]['img'].shape == (60, 30, 3)


@pytest.fixture
def with_distractors(cuhk):
    """Four further test images: two of described persons, a distractor, and one of Market-1501's junk."""
    for number, (pid, captions) in enumerate([(13, []), (14, None), (0, []), (-1, [])]):
        path = f'Market/{pid}_{number}.png'
        cuhk.records.append({'split': 'test', 'file_path': path, 'id': pid, 'captions': captions})
    del cuhk.records[-2]['captions']
    write_images(cuhk.root / 'imgs', cuhk.records[-4:])
    write_json(cuhk.root / 'reid_raw.json', cuhk.records)
    return cuhk


def test_images_without_captions_and_junk_are_refused_unless_allowed(with_distractors):
    root = str(with_distractors.root)
    with pytest.raises(AnnotationError, match=r"record 40 \(Market/13_0.png\), .*'captions': .*allow_uncaptioned=True"):
        CUHKPEDES(data_root=root)
    with pytest.raises(AnnotationError, match=r"record 43 .*field 'id': expected an integer of at least 0"):
        CUHKPEDES(data_root=root, allow_uncaptioned=True)
    with_distractors.records[0]['captions'] = []
    write_json(with_distractors.root / 'reid_raw.json', with_distractors.records)
    with pytest.raises(AnnotationError, match=r'record 0 .*expected a list of captions, but got \[\]'):
        CUHKPEDES(data_root=root, allow_uncaptioned=True, junk_ids=[-1])


def test_junk_needs_no_captions_and_no_other_option(with_distractors):
    described = [record for record in with_distractors.records if record.get('captions')]
    write_json(with_distractors.root / 'reid_raw.json', [*described, with_distractors.records[-1]])
    dataset = CUHKPEDES(data_root=str(with_distractors.root), split='test', unit='image', junk_ids=[-1])
    assert dataset.num_images == 8


def test_a_part_of_the_gallery_without_captions_is_refused(with_distractors):
    records = with_distractors.records
    write_json(with_distractors.root / 'reid_raw.json', records[-4:] + records[:-4])
    options = dict(data_root=str(with_distractors.root), split='test', unit='image', allow_uncaptioned=True)
    with pytest.raises(ValueError, match=r'max_images must reach to the first image of test .* got 3'):
        CUHKPEDES(**options, junk_ids=[-1], max_images=3)
    assert len(CUHKPEDES(**options, junk_ids=[-1], max_images=4)) == 4


def test_distractors_are_in_the_gallery_and_junk_is_left_out(with_distractors, monkeypatch):
    said = []
    monkeypatch.setattr('mmt2ireid.datasets.person_text.print_log', lambda message, **_: said.append(message))
    options = dict(data_root=str(with_distractors.root), allow_uncaptioned=True, junk_ids=[-1])
    dataset = CUHKPEDES(split='test', unit='image', pipeline=LOAD, **options)
    assert (len(dataset), dataset.num_images, dataset.num_captions, dataset.num_pids) == (11, 11, 24, 5)
    assert [dataset.get_data_info(number)['captions'] for number in (8, 9, 10)] == [[], [], []]
    assert dataset.pids[8:].tolist() == [13, 14, 0] and dataset[10]['img'].shape == (60, 30, 3)
    assert '1 image is left out of test as junk (identities [-1])' in said[0]
    assert '3 of 11 images of test have no captions, and 1 of these are distractors' in said[1]
    assert len(CUHKPEDES(split='train', **options)) == 48 and len(said) == 2
    assert len(CUHKPEDES(split='test', **options)) == 24


def test_loaders_without_a_gallery_refuse_these_options(cuhk):
    with pytest.raises(ValueError, match='must be left out for LUPerson-T, which has no gallery'):
        LUPersonT(ann_file='a.json', data_root=str(cuhk.root), junk_ids=[-1])
    with pytest.raises(ValueError, match='junk_ids must be a list of integers, but got -1'):
        CUHKPEDES(data_root=str(cuhk.root), junk_ids=-1)


def test_missing_split_and_folder_are_named(tmp_path):
    write_json(tmp_path / 'reid_raw.json', make_records())
    with pytest.raises(ValueError, match=r"no image of split 'val'; the file has {'train': 24}"):
        CUHKPEDES(data_root=str(tmp_path), split='val')
    with pytest.raises(FileNotFoundError, match=r'no image folder .*imgs'):
        CUHKPEDES(data_root=str(tmp_path))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(split='dev'), "split must be one of .* but got 'dev'"),
        (dict(unit='caption'), 'unit must be one of'),
        (dict(on_bad_image='ignore'), 'on_bad_image must be one of'),
        (dict(on_bad_image='skip', unit='image'), 'on_bad_image must be'),
        (dict(max_images=0), 'max_images must be'),
        (dict(max_images='3'), "max_images must be .* but got '3'"),
        (dict(data_prefix=dict(img='x')), 'data_prefix must be'),
    ],
)
def test_bad_arguments_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        CUHKPEDES(lazy_init=True, **change)


def spoil(cuhk, *numbers):
    for number in numbers:
        (cuhk.root / 'imgs' / cuhk.records[number]['file_path']).write_bytes(b'')


def test_bad_image_is_named(cuhk):
    spoil(cuhk, 1)
    dataset = CUHKPEDES(data_root=str(cuhk.root), pipeline=LOAD)
    with pytest.raises(BadImageError, match=r'train_1_1.png is empty') as caught:
        dataset[3]
    assert pickle.loads(pickle.dumps(caught.value)).path == caught.value.path
    assert dataset[1]['captions'] and dataset.num_skipped == 0


def test_bad_image_is_replaced_by_the_next_and_counted(cuhk):
    spoil(cuhk, 1, 2, 23)
    dataset = CUHKPEDES(data_root=str(cuhk.root), pipeline=LOAD, on_bad_image='skip')
    found = [dataset[SeededIndex(i, 5)]['sample_idx'] for i in range(48)]
    assert found == [0, 1, 6, 6, 6, 6, *range(6, 46), 0, 0]
    assert dataset.num_skipped == 6


def test_only_bad_images_raise(cuhk):
    spoil(cuhk, *range(24))
    dataset = CUHKPEDES(data_root=str(cuhk.root), pipeline=LOAD, on_bad_image='skip')
    with pytest.raises(BadImageError, match='so were all images from item 3'):
        dataset[3]


def test_skipped_images_are_counted_across_workers(cuhk):
    from torch.utils.data import DataLoader

    spoil(cuhk, 1, 2, 23)
    dataset = CUHKPEDES(data_root=str(cuhk.root), pipeline=LOAD, on_bad_image='skip')
    loader = DataLoader(dataset, batch_size=4, num_workers=2, collate_fn=list, persistent_workers=True)
    for _ in range(2):
        assert sum(len(batch) for batch in loader) == 48
    assert dataset.num_skipped == 12


def test_bad_image_keeps_its_type_through_a_worker(cuhk):
    from torch.utils.data import DataLoader

    spoil(cuhk, 0)
    dataset = CUHKPEDES(data_root=str(cuhk.root), pipeline=LOAD)
    with pytest.raises(BadImageError, match=r'train_1_0.png is empty'):
        list(DataLoader(dataset, num_workers=1, collate_fn=list))


def test_pipeline_that_returns_nothing_is_named(cuhk):
    with pytest.raises(ValueError, match='returned None for item 2'):
        CUHKPEDES(data_root=str(cuhk.root), pipeline=[lambda results: None])[2]


def test_records_are_kept_as_bytes(cuhk):
    dataset = CUHKPEDES(data_root=str(cuhk.root))
    assert not dataset.data_list and dataset.data_bytes.dtype == np.uint8
    assert len(dataset.data_address) == 24


def test_wrappers_of_mmengine_work_and_keep_the_seed(cuhk):
    from mmengine.dataset import ConcatDataset, RepeatDataset

    dataset = CUHKPEDES(data_root=str(cuhk.root), pipeline=[*LOAD, _draw])
    joined = ConcatDataset([dataset, CUHKPEDES(data_root=str(cuhk.root), pipeline=[_draw])])
    repeated = RepeatDataset(dataset, times=2)
    expected = dataset[SeededIndex(4, 99)]['drawn']
    assert joined[SeededIndex(52, 99)]['drawn'] == repeated[SeededIndex(52, 99)]['drawn'] == expected
    assert repeated[SeededIndex(52, 98)]['drawn'] != expected


def _draw(results):
    return {**results, 'drawn': np.random.rand()}


def test_registered_and_built_from_a_config(cuhk):
    dataset = DATASETS.build(dict(type='CUHKPEDES', data_root=str(cuhk.root), data_prefix=dict(img_path='imgs/')))
    assert len(dataset) == 48


def test_pickled_dataset_gives_the_same(cuhk):
    dataset = CUHKPEDES(data_root=str(cuhk.root), split='val')
    again = pickle.loads(pickle.dumps(dataset))
    assert json.dumps(again.get_data_info(3)) == json.dumps(dataset.get_data_info(3))


def test_images_beside_the_annotation(tmp_path):
    records = make_records(2, 1)
    write_images(tmp_path, records)
    write_json(tmp_path / 'reid_raw.json', records)
    dataset = CUHKPEDES(data_root=str(tmp_path), data_prefix=dict(img_path=''), pipeline=LOAD)
    assert dataset[0]['img_shape'] == (60, 30)


def test_captions_are_numbered_as_the_pairs(cuhk):
    for split in ('train', 'test'):
        pairs = CUHKPEDES(data_root=str(cuhk.root), split=split)
        images = CUHKPEDES(data_root=str(cuhk.root), split=split, unit='image')
        infos = [pairs.get_data_info(n) for n in range(len(pairs))]
        first = images.first_captions
        assert first.dtype == np.int64 and first.tolist() == pairs.first_captions.tolist()
        assert len(first) == len(images) + 1 and first[-1] == len(pairs)
        for info in infos:
            assert first[info['image_id']] <= info['sample_idx'] < first[info['image_id'] + 1]
        assert pairs.all_captions() == images.all_captions() == [info['captions'][0] for info in infos]
    some = CUHKPEDES(data_root=str(cuhk.root), max_images=3)
    assert some.first_captions.tolist() == pairs_of_three(cuhk)
    assert len(some.all_captions()) == len(some)


def pairs_of_three(cuhk):
    counts = [len(record['captions']) for record in cuhk.records if record['split'] == 'train'][:3]
    return [0, *np.cumsum(counts).tolist()]


@pytest.mark.parametrize('unit', ['pair', 'image'])
def test_subsets_do_not_number_captions(cuhk, unit):
    dataset = CUHKPEDES(data_root=str(cuhk.root), unit=unit)
    captions = dataset.all_captions()
    backwards = list(range(len(dataset)))[::-1]
    for indices in (5, -5, [2, 1], backwards):
        subset = dataset.get_subset(indices)
        for ask in (lambda one: one.first_captions, lambda one: one.all_captions()):
            with pytest.raises(ValueError, match=f'must hold all items in their order .* but got {len(subset)}'):
                ask(subset)
    assert dataset.get_subset(len(dataset)).all_captions() == captions == dataset.all_captions()
