"""Two gloo ranks make what one process makes."""

from __future__ import annotations

import os
import socket
import traceback
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from pseudo_text_world import generator, pictures, results, write_folder

from mmt2ireid.pseudo_text.generation.ranks import Ranks
from mmt2ireid.pseudo_text.sources.opening import open_source

IMAGES = {**pictures(41), 'a/bad.png': b'bad'}
CONTEXT = get_context('forkserver')
CONTEXT.set_forkserver_preload(['torch', 'pyarrow.parquet', 'mmt2ireid.pseudo_text.generation.generator'])


def work(rank: int, world_size: int, port: int, folder: Path, options: dict[str, Any], pipe: Any) -> None:
    os.environ.update(
        RANK=str(rank), WORLD_SIZE=str(world_size), LOCAL_RANK=str(rank),
        MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port),
    )  # fmt: skip
    try:
        ranks = Ranks.from_environment()
        images = open_source(folder / options.pop('images', 'imgs'))
        counts = generator(images, folder / 'out', features=folder / 'features', ranks=ranks, **options).run()
        pipe.send(('done', counts.captioned))
    except Exception as error:
        traceback.print_exc()
        pipe.send((type(error).__name__, str(error)))


def start(folder: Path, *each: dict[str, Any]) -> list[tuple[str, Any]]:
    """Runs one rank per dict of options; what they say, by rank."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    ranks = []
    for rank, options in enumerate(each):
        receiver, sender = CONTEXT.Pipe(duplex=False)
        process = CONTEXT.Process(target=work, args=(rank, len(each), port, folder, dict(options), sender))
        process.start()
        ranks.append((process, receiver))
    answers = [receiver.recv() if receiver.poll(90) else ('nothing', None) for _, receiver in ranks]
    for process, _ in ranks:
        process.join(30)
        process.kill()
    return answers


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / 'imgs', IMAGES)
    generator(open_source(tmp_path / 'imgs'), tmp_path / 'whole', features=tmp_path / 'whole_features').run()
    return tmp_path


def test_two_ranks_make_the_set_of_one(folder):
    assert start(folder, {}, {}) == [('done', 41), ('done', 41)]
    assert results(folder / 'out') == results(folder / 'whole')
    assert results(folder / 'features') == results(folder / 'whole_features')


def test_two_ranks_go_on_with_what_one_began(folder):
    for name in ('out', 'features'):
        (folder / name).mkdir()
    wanted = {'out': 'whole', 'features': 'whole_features'}
    for name, other in wanted.items():
        for path in sorted((folder / other).iterdir())[1:4]:
            (folder / name / path.name).write_bytes(path.read_bytes())
        (folder / name / 'provenance.json').write_bytes((folder / other / 'provenance.json').read_bytes())
    assert start(folder, {}, {}) == [('done', 41), ('done', 41)]
    assert results(folder / 'out') == results(folder / 'whole')


def test_fresh_start_of_two_ranks(folder):
    assert start(folder, {'threshold': 0.2}, {'threshold': 0.2}) == [('done', 41), ('done', 41)]
    assert start(folder, {'fresh': True}, {'fresh': True}) == [('done', 41), ('done', 41)]
    assert results(folder / 'out') == results(folder / 'whole')


def test_all_ranks_stop_where_rank_0_refuses(folder):
    (folder / 'out').mkdir()
    (folder / 'out' / 'mine.txt').write_text('mine')
    first, second = start(folder, {}, {})
    assert first[0] == 'FileExistsError'
    assert second[0] == 'LeadingRankError' and 'was not made by this tool' in second[1]


def test_a_rank_with_other_images_is_refused(folder):
    write_folder(folder / 'other', pictures(40))
    _, second = start(folder, {}, {'images': 'other'})
    assert second[0] == 'ValueError' and 'images: 42 there, 40 now' in second[1]


@pytest.mark.parametrize(
    ('environment', 'message'),
    [({'RANK': 'x'}, 'RANK must be an integer'), ({'RANK': '2', 'WORLD_SIZE': '2'}, 'below world_size = 2')],
)
def test_bad_environment_is_refused(monkeypatch, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=message):
        Ranks.from_environment()
