"""Missing data and weights are found before anything large is built."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from mmt2ireid.datasets.toy import ToyOptions, make_toy_pedes
from mmt2ireid.engine.preflight import check_files


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp('data') / 'toy_pedes'
    options = ToyOptions(train_ids=2, val_ids=2, test_ids=2, images_per_id=2, pool=1, second_ids=2)
    make_toy_pedes(root, options, workers=0, progress=False)
    return root


def loader(root, **changes):
    transforms = changes.pop('pipeline', [])
    return dict(dataset=dict(type='CUHKPEDES', data_root=str(root), pipeline=transforms, **changes))


def test_what_is_there_passes(data, tmp_path):
    weights = tmp_path / 'weights.pth'
    weights.touch()
    model = dict(image_encoder=dict(init_cfg=dict(type='BackbonePretrained', checkpoint=str(weights))))
    check_files(Config(dict(train_dataloader=loader(data), val_dataloader=None, model=model)), ('train', 'val', 'test'))


def test_data_of_the_splits_that_are_used(data):
    cfg = Config(dict(train_dataloader=loader(data), test_dataloader=loader('nowhere')))
    check_files(cfg, ('train',))
    with pytest.raises(FileNotFoundError, match='no folder nowhere: expected CUHK-PEDES there'):
        check_files(cfg, ('train', 'test'))


def test_sets_within_wrappers(data):
    inner = [loader(data)['dataset'], loader('nowhere')['dataset']]
    for wrapper in (
        dict(type='WeightedConcat', datasets=inner),
        dict(type='RepeatDataset', times=2, dataset=inner[1]),
    ):
        with pytest.raises(FileNotFoundError, match='no folder nowhere'):
            check_files(Config(dict(train_dataloader=dict(dataset=wrapper))), ('train',))


def test_vocabularies_and_arguments(data):
    tokenize = dict(type='Tokenize', tokenizer=dict(type='WordTokenizer', vocab='gone.txt'))
    cfg = Config(dict(train_dataloader=loader(data, pipeline=[tokenize])))
    with pytest.raises(FileNotFoundError, match=r'gone\.txt'):
        check_files(cfg, ('train',))
    with pytest.raises(ValueError, match='unit must be one of'):
        check_files(Config(dict(train_dataloader=loader(data, unit='pairs'))), ('train',))


@pytest.mark.parametrize(
    ('weights', 'name'),
    [
        (dict(load_from='gone.pth'), 'load_from'),
        (dict(model=dict(text_encoder=dict(word_vectors='gone.pth'))), r'model\.text_encoder\.word_vectors'),
        (
            dict(model=dict(encoders=[dict(init_cfg=[dict(type='mmengine.Pretrained', checkpoint='gone.pth')])])),
            r'model\.encoders\.0\.init_cfg\.0\.checkpoint',
        ),
    ],
)
def test_weights(weights, name):
    with pytest.raises(FileNotFoundError, match=f'{name} must be a file, but there is no gone.pth'):
        check_files(Config(weights), ())


def test_weights_that_a_library_finds():
    model = dict(
        image_encoder=dict(init_cfg=dict(type='Pretrained', checkpoint='https://example.org/a.pth')),
        text_encoder=dict(init_cfg=dict(type='HFPretrained', name='bert-base-uncased')),
    )
    check_files(Config(dict(model=model, load_from=None)), ())
