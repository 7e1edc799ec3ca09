from __future__ import annotations

import logging
import logging.config
import os
import pickle
import re
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.fileio import LocalBackend, put_text
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import CheckpointLoader, load_checkpoint, save_checkpoint

from mmt2ireid import compat


@pytest.fixture(autouse=True)
def _loader():
    compat.install()
    compat.patch_checkpoint_loader()


class Evil:
    def __reduce__(self):
        return os.system, ('echo ran > ran.txt',)


def test_importing_the_package_is_light():
    code = 'import mmt2ireid, sys; print("torch" in sys.modules)'
    root = str(Path(compat.__file__).parents[2])
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == 'False'


def test_checkpoint_of_mmengine_loads_weights_only(tmp_path):
    hub, allowed = MessageHub('compat'), set(torch.serialization.get_safe_globals())
    for value in (1.0, 2.0, 3.0):
        hub.update_scalar('train/loss', value)
    hub.update_info('best_score', np.float64(4.5))
    hub.update_info('counts', np.arange(3, dtype=np.int32))
    path = tmp_path / 'foreign.pth'
    torch.save(dict(state_dict=dict(w=torch.ones(2)), message_hub=hub.state_dict()), path)
    loaded = CheckpointLoader.load_checkpoint(str(path), map_location='cpu')
    history = loaded['message_hub']['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer) and history.mean() == 2.0 and history.statistics('current') == 3.0
    assert loaded['message_hub']['runtime_info']['best_score'] == 4.5
    assert loaded['message_hub']['runtime_info']['counts'].tolist() == [0, 1, 2]
    assert set(torch.serialization.get_safe_globals()) == allowed


@pytest.mark.parametrize('package', ['numpy.core.multiarray', 'numpy._core.multiarray'])
def test_arrays_of_any_numpy_load(tmp_path, package):
    path = tmp_path / 'array.pth'
    torch.save(dict(a=np.arange(4.0)), path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in entries.items():
            archive.writestr(name, re.sub(rb'cnumpy\._?core\.multiarray', b'c' + package.encode(), data))
    assert f'c{package}'.encode() in path.read_bytes()
    assert CheckpointLoader.load_checkpoint(str(path))['a'].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_code_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(dict(state_dict={}, evil=Evil()), 'evil.pth')
    with pytest.raises(ValueError, match=r'evil\.pth.*(posix|nt)\.system.*MMT2IREID_UNSAFE_LOAD'):
        CheckpointLoader.load_checkpoint('evil.pth')
    assert not Path('ran.txt').exists()
    monkeypatch.setenv('MMT2IREID_UNSAFE_LOAD', '1')
    CheckpointLoader.load_checkpoint('evil.pth')
    assert Path('ran.txt').exists()


class EvilGetattr:
    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def test_getattr_reaches_the_four_statistics_only(tmp_path):
    torch.save(EvilGetattr(), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth is refused.*getattr'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'))


def test_unknown_class_is_refused_by_name(tmp_path):
    torch.save(dict(a=Path('x')), tmp_path / 'b.pth')
    with pytest.raises(ValueError, match=r'b\.pth is refused.*pathlib'):
        CheckpointLoader.load_checkpoint(str(tmp_path / 'b.pth'))


@pytest.mark.parametrize('content', ['truncated', 'empty', 'text', 'pickle'])
def test_damaged_file_is_named(tmp_path, content):
    path = tmp_path / 'damaged.pth'
    torch.save(dict(w=torch.randn(1000)), path)
    data = path.read_bytes()
    path.write_bytes(dict(truncated=data[: len(data) // 2], empty=b'', text=b'hello', pickle=pickle.dumps({}))[content])
    with pytest.raises(ValueError, match=r'damaged\.pth must be a complete file') as caught:
        CheckpointLoader.load_checkpoint(str(path))
    # torch's own message advises to try without protection.
    assert 'weights_only' not in str(caught.value)


def test_safetensors(tmp_path):
    from safetensors.torch import save_file

    model, other = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)
    save_file(model.state_dict(), tmp_path / 'w.safetensors')
    load_checkpoint(other, str(tmp_path / 'w.safetensors'), map_location='cpu')
    assert torch.equal(model.weight, other.weight)
    (tmp_path / 'w.safetensors').write_bytes(b'123')
    with pytest.raises(ValueError, match=r'w\.safetensors must be a complete'):
        load_checkpoint(other, str(tmp_path / 'w.safetensors'))


def test_missing_file():
    with pytest.raises(FileNotFoundError, match=r'nowhere\.pth'):
        CheckpointLoader.load_checkpoint('nowhere.pth')


def test_web_weights_are_fetched_once_and_named_on_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    fetched = []

    def download(url, target, progress):
        fetched.append(url)
        if 'gone' in url:
            raise OSError('no network')
        torch.save(dict(w=torch.ones(1)), target)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        assert CheckpointLoader.load_checkpoint('https://host/good.pth?x=1')['w'].item() == 1
    assert fetched == ['https://host/good.pth?x=1']
    with pytest.raises(FileNotFoundError) as error:
        CheckpointLoader.load_checkpoint('https://host/gone.pth')
    for part in ('gone.pth', 'https://host/gone.pth', 'no network', str(tmp_path / 'checkpoints/gone.pth')):
        assert part in str(error.value)


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / 'new' / 'a.pth'
    save_checkpoint(dict(w=torch.ones(1)), str(path))
    before = path.read_bytes()

    def fail(*_):
        raise OSError('disk full')

    monkeypatch.setattr(os, 'fsync', fail)
    with pytest.raises(OSError, match='disk full'):
        save_checkpoint(dict(w=torch.zeros(100)), str(path))
    with pytest.raises(OSError, match='disk full'):
        put_text('x', str(path))
    assert path.read_bytes() == before
    assert [item.name for item in path.parent.iterdir()] == ['a.pth']


def test_temporary_names_are_known_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'replace', lambda temp, target: names.append(Path(temp).name))
    names: list[str] = []
    LocalBackend().put_text('ä', tmp_path / 'epoch_1.pth')
    assert names and compat.TEMP_FILE.match(names[0]) and not compat.TEMP_FILE.match('epoch_1.pth')


def test_mmpretrain_models_import_without_the_warning():
    compat.patch_mmpretrain()
    compat.patch_mmpretrain()
    import mmpretrain.utils.dependency as dependency

    assert dependency.WITH_MULTIMODAL is False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        compat.patch_mmpretrain()
        warnings.warn('Fail to import ``MultiScaleDeformableAttention`` from x', UserWarning, stacklevel=1)
        warnings.warn('something else', UserWarning, stacklevel=1)
    assert [str(item.message) for item in caught] == ['something else']


def test_log_files_of_others_stay_open(tmp_path):
    """What pymilvus does when it is imported, and uvicorn when it serves."""
    logger = logging.getLogger('mmt2ireid.test_log_files')
    logger.propagate = False
    handler = logging.FileHandler(tmp_path / 'x.log', 'w')
    handler.name = 'log of a training'
    logger.addHandler(handler)
    theirs = dict(version=1, disable_existing_loggers=False, handlers=dict(own={'class': 'logging.NullHandler'}))
    try:
        logger.warning('before')
        with compat.keep_log_files():
            logging.config.dictConfig(theirs)
        logger.warning('after')
        assert (tmp_path / 'x.log').read_text() == 'before\nafter\n'
        assert {'log of a training', 'own'} <= set(logging._handlers)
        assert handler in [known() for known in logging._handlerList], 'which are flushed at the end'
    finally:
        logger.removeHandler(handler)
        handler.close()
