from types import SimpleNamespace

import pytest
from person_data import PIECES, make_records, write_images, write_json


@pytest.fixture
def bert_dir(tmp_path):
    folder = tmp_path / 'bert'
    folder.mkdir()
    (folder / 'vocab.txt').write_text('\n'.join(PIECES) + '\n')
    write_json(folder / 'tokenizer_config.json', {'tokenizer_class': 'BertTokenizer', 'do_lower_case': True})
    return str(folder)


@pytest.fixture
def tokenizer_cfg(bert_dir):
    return dict(type='mmt2ireid.HFTokenizer', name_or_dir=bert_dir)


@pytest.fixture
def cuhk(tmp_path):
    """CUHK-PEDES: 8 train identities of 3 images, 4 val and 4 test ones of 2; one test image has ten captions."""
    records = make_records()
    records += make_records(4, 2, 'val', first_id=9, folder='Market')
    records += make_records(4, 2, 'test', first_id=13, folder='Market')
    records[-1]['captions'] = [f'word{n} of ten' for n in range(10)]
    root = tmp_path / 'CUHK-PEDES'
    root.mkdir()
    write_images(root / 'imgs', records)
    write_json(root / 'reid_raw.json', records)
    return SimpleNamespace(root=root, records=records)
