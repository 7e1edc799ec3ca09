"""People out of images and videos, by detectors that the tests know the answers of."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmt2ireid.apis.devices import usable_device
from mmt2ireid.apis.people import crop_people, cropping
from mmt2ireid.apis.people.boxes import BoxRules, choose_people, non_maximum_suppression
from mmt2ireid.apis.people.detectors import AUTO, HOG, HOGDetector, TorchvisionDetector, load_detector
from mmt2ireid.apis.people.video import count_frames, video_frames
from mmt2ireid.apis.search import read_picture
from mmt2ireid.apis.search.metadata import read_metadata
from mmt2ireid.io.folder_scan import scan_folder
from mmt2ireid.io.image_files import UnreadImageError

TOOLS = Path(__file__).parents[2] / 'tools'
RED, GREEN = (230, 20, 20), (20, 230, 20)
SMALL_MODEL = 'ssdlite320_mobilenet_v3_large'


def scene(boxes, size=(200, 300), ground=90):
    """A grey picture with a red person at each box."""
    picture = np.full((*size, 3), ground, np.uint8)
    for left, top, right, bottom in boxes:
        picture[top:bottom, left:right] = RED
    return picture


def red_people(picture):
    """A detector: the connected red places."""
    mask = ((picture[..., 0] > 150) & (picture[..., 1] < 100)).astype(np.uint8)
    number, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    boxes = [[x, y, x + w, y + h] for x, y, w, h, area in stats[1:number] if area > 50]
    return np.array(boxes, dtype=float).reshape(-1, 4), np.full(len(boxes), 0.9)


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def write_video(path, pictures, rate=10):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), rate, pictures[0].shape[1::-1])
    assert writer.isOpened()
    for picture in pictures:
        writer.write(picture[..., ::-1])
    writer.release()
    return path


def walking(frames=35):
    """A person who goes right by four pixels a frame."""
    return [scene([(10 + 4 * n, 40, 50 + 4 * n, 160)]) for n in range(frames)]


def table(folder):
    return [json.loads(line) for line in (folder / 'crops.jsonl').read_text().splitlines()]


def test_people_of_an_image(tmp_path):
    boxes = [(20, 30, 60, 150), (200, 40, 250, 190)]
    image = save(tmp_path / 'street.png', scene(boxes))
    report = crop_people(image, tmp_path / 'out', detector=red_people, padding=0, progress=False)
    assert (report.sources, report.pictures, report.crops, report.refused) == (1, 1, 2, [])
    rows = table(tmp_path / 'out')
    assert sorted(tuple(row['box']) for row in rows) == boxes
    for row in rows:
        assert (row['camera'], row['source'], row['score']) == ('street', image.as_posix(), 0.9)
        assert 'time' not in row
        crop = read_picture(tmp_path / 'out' / row['path'])
        left, top, right, bottom = row['box']
        assert crop.shape == (bottom - top, right - left, 3) and (crop == RED).all()


def test_padding_stays_within_the_picture(tmp_path):
    image = save(tmp_path / 'street.png', scene([(0, 30, 40, 130), (100, 50, 140, 150)]))
    crop_people(image, tmp_path / 'out', detector=red_people, padding=0.1, progress=False)
    assert sorted(row['box'] for row in table(tmp_path / 'out')) == [[0, 20, 44, 140], [96, 40, 144, 160]]


def test_small_and_uncertain_ones_are_counted_or_left(tmp_path):
    def detect(picture):
        return [[0, 0, 40, 47], [50, 0, 65, 100], [100, 0, 140, 100], [200, 0, 240, 100]], [0.9, 0.9, 0.6, 0.4]

    image = save(tmp_path / 'street.png', scene([]))
    report = crop_people(image, tmp_path / 'out', detector=detect, progress=False)
    assert (report.crops, report.too_small) == (1, 2)
    report = crop_people(image, tmp_path / 'low', detector=detect, min_score=0.3, min_height=47, progress=False)
    assert (report.crops, report.too_small) == (3, 1)


def test_of_overlapping_boxes_the_best_counts():
    boxes = np.array([[0, 0, 100, 100], [10, 0, 110, 100], [0, 0, 20, 100], [300, 0, 400, 100]], dtype=float)
    people, small, overlapping = choose_people(boxes, [0.7, 0.9, 0.8, 0.6], (100, 500), BoxRules(0.5, padding=0))
    assert [person.box for person in people] == [(10, 0, 110, 100), (0, 0, 20, 100), (300, 0, 400, 100)]
    assert (small, overlapping) == (0, 1)


def test_suppression_is_that_of_torchvision():
    from torchvision.ops import nms

    random = np.random.default_rng(0)
    corners = random.uniform(0, 100, (60, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 60, (60, 2))], axis=1)
    for share in (0.1, 0.3, 0.5, 0.8):
        expected = nms(torch.from_numpy(boxes), torch.linspace(1, 0, 60, dtype=torch.float64), share)
        assert non_maximum_suppression(boxes, share) == expected.tolist()


@pytest.mark.parametrize(
    'answer', [([[0, 0, 1]], [1.0]), ([[0, 0, 9, 9]], [1.0, 2.0]), ([[0, 0, np.nan, 9]], [1.0]), ([0, 0, 9, 9], [1.0])]
)
def test_a_detector_that_answers_otherwise_is_told(answer, tmp_path):
    image = save(tmp_path / 'street.png', scene([]))
    with pytest.raises(ValueError, match='a detector must give'):
        crop_people(image, tmp_path / 'out', detector=lambda picture: answer, progress=False)


def test_a_video_is_looked_at_every_so_many_seconds(tmp_path):
    video = write_video(tmp_path / 'gate.avi', walking(), rate=10)
    assert [frame.number for frame in video_frames(video, 1.0)] == [0, 10, 20, 30]
    assert [frame.number for frame in video_frames(video, 0.25)] == [0, 3, 5, 8, 10, 13, 15, 18, 20, 23, 25, 28, 30, 33]
    assert [frame.number for frame in video_frames(video, 0.01)] == list(range(35))
    assert (count_frames(video, 1.0), count_frames(video, 100)) == (4, 1)
    report = crop_people(video, tmp_path / 'out', detector=red_people, padding=0, progress=False)
    assert (report.pictures, report.crops) == (4, 4)
    rows = table(tmp_path / 'out')
    assert [row['time'] for row in rows] == [0.0, 1.0, 2.0, 3.0]
    assert {row['camera'] for row in rows} == {'gate'}
    for number, row in enumerate(rows):
        assert abs(row['box'][0] - (10 + 40 * number)) <= 2


def test_frames_are_rgb(tmp_path):
    video = write_video(tmp_path / 'v.avi', [scene([(0, 0, 300, 200)])] * 3)
    (frame,) = list(video_frames(video, 10))
    assert np.abs(frame.picture.reshape(-1, 3).mean(0) - RED).max() < 12


def test_a_folder_is_looked_through_and_nothing_is_dropped_silently(tmp_path):
    place = tmp_path / 'footage'
    save(place / 'b/x.png', scene([(20, 30, 60, 150)]))
    save(place / 'a/x.png', scene([(20, 30, 60, 150)]))
    write_video(place / 'gate.avi', walking(12))
    (place / 'notes.txt').write_text('what happened')
    (place / 'broken.jpg').write_bytes(b'<html>')
    (place / 'broken.mp4').write_bytes(b'no video' * 100)
    (place / 'empty.mp4').write_bytes(b'')
    (tmp_path / 'secret.png').write_bytes((place / 'a/x.png').read_bytes())
    (place / 'link.png').symlink_to(tmp_path / 'secret.png')
    report = crop_people(place, tmp_path / 'out', detector=red_people, progress=False)
    assert (report.sources, report.crops, report.other) == (6, 4, 1)
    reasons = {name.rsplit('/', 1)[-1]: reason for name, reason in report.refused}
    assert reasons['broken.jpg'].startswith('is a web page')
    assert reasons['broken.mp4'] == 'is no video that OpenCV can read, or is damaged'
    assert reasons['empty.mp4'] == 'is empty'
    assert reasons['link.png'] == 'is a link that leads out of the folder'
    assert len(reasons) == 4 and '4 files refused' in str(report)
    rows = table(tmp_path / 'out')
    assert len({row['path'] for row in rows}) == 4, 'two sources of one name must not share a crop'


def test_a_video_that_is_cut_short_keeps_its_crops_and_is_told(tmp_path):
    video = write_video(tmp_path / 'gate.avi', walking(40))
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    report = crop_people(video, tmp_path / 'out', detector=red_people, progress=False)
    ((name, reason),) = report.refused
    assert name == video.as_posix() and ('cut short' in reason or 'damaged' in reason)
    assert report.crops == len(table(tmp_path / 'out'))


def test_what_is_done_is_not_done_again(tmp_path):
    calls = []

    def detect(picture):
        calls.append(1)
        return red_people(picture)

    image = save(tmp_path / 'street.png', scene([(20, 30, 60, 150)]))
    video = write_video(tmp_path / 'gate.avi', walking())
    crop_people([image, video], tmp_path / 'out', detector=detect, progress=False)
    before = table(tmp_path / 'out')
    assert len(calls) == 5
    report = crop_people([image, video], tmp_path / 'out', detector=detect, progress=False)
    assert len(calls) == 5 and (report.sources, report.known, report.crops) == (2, 2, 0)
    assert table(tmp_path / 'out') == before
    save(tmp_path / 'street.png', scene([(100, 30, 140, 150), (200, 30, 240, 150)]))
    report = crop_people([image, video], tmp_path / 'out', detector=detect, progress=False)
    assert len(calls) == 6 and report.crops == 2
    rows = table(tmp_path / 'out')
    assert len(rows) == 6
    assert sorted(path.name for path in (tmp_path / 'out').glob('street*')) == sorted(
        row['path'] for row in rows if row['camera'] == 'street'
    )


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    video = write_video(tmp_path / 'gate.avi', walking())
    seen = []

    def detect(picture):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(1)
        return red_people(picture)

    with pytest.raises(KeyboardInterrupt):
        crop_people(video, tmp_path / 'out', detector=detect, progress=False)
    assert len(table(tmp_path / 'out')) == 2
    seen.extend([1] * 10)
    report = crop_people(video, tmp_path / 'out', detector=detect, progress=False)
    assert (report.pictures, report.crops) == (2, 2)
    assert [row['time'] for row in table(tmp_path / 'out')] == [0.0, 1.0, 2.0, 3.0]


def test_a_killed_run_goes_on(tmp_path):
    """Killed between a crop and its line: the line that is cut short is taken off, the crop is made again."""
    video = write_video(tmp_path / 'gate.avi', walking())
    code = f"""
        import os, signal, sys
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from test_people import red_people
        from mmt2ireid.apis.people import crop_log, crop_people
        real = crop_log.CropLog._append
        def append(self, entry):
            if entry.get('picture') == 20:
                self._file.write(b'{{"source": "cut')
                self._file.flush()
                os.kill(os.getpid(), signal.SIGKILL)
            real(self, entry)
        crop_log.CropLog._append = append
        crop_people({str(video)!r}, {str(tmp_path / 'out')!r}, detector=red_people, progress=False)
    """
    done = subprocess.run([sys.executable, '-c', textwrap.dedent(code)], timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / 'out/crops.jsonl').exists()
    report = crop_people(video, tmp_path / 'out', detector=red_people, progress=False)
    assert (report.pictures, report.crops) == (2, 2)
    rows = table(tmp_path / 'out')
    assert [row['time'] for row in rows] == [0.0, 1.0, 2.0, 3.0]
    assert {row['path'] for row in rows} == {
        path.relative_to(tmp_path / 'out').as_posix() for path in (tmp_path / 'out').rglob('*.png')
    }


def test_a_folder_keeps_to_its_settings(tmp_path):
    image = save(tmp_path / 'street.png', scene([(20, 30, 60, 150)]))
    crop_people(image, tmp_path / 'out', detector=red_people, progress=False)
    with pytest.raises(ValueError, match=r"other settings \(\{'padding': 0\.05\}\)"):
        crop_people(image, tmp_path / 'out', detector=red_people, padding=0.2, progress=False)


def test_one_process_at_a_time(tmp_path):
    from mmt2ireid.apis.people.crop_log import CropLog

    with CropLog(tmp_path, {}), pytest.raises(BlockingIOError, match='another process'):
        CropLog(tmp_path, {})


def test_wrong_arguments(tmp_path):
    image = save(tmp_path / 'in/street.png', scene([]))
    common = dict(detector=red_people, progress=False)
    for message, call in {
        'every must be': dict(every=0),
        'file_format must be': dict(file_format='gif'),
        'padding must be': dict(padding=2),
        'max_overlap must be': dict(max_overlap=-1),
        'min_height and': dict(min_height=0),
        'weights must be given for a model of torchvision': dict(weights='x.pth'),
        'detector must be a name or a function': dict(detector=3),
        "detector must be 'auto', 'hog', a function, or one of .*retinanet": dict(detector='yolo'),
    }.items():
        with pytest.raises(ValueError, match=message):
            crop_people(image, tmp_path / 'out', **{**common, **call})
    with pytest.raises(FileNotFoundError, match=r'nowhere\.png is not there'):
        crop_people(tmp_path / 'nowhere.png', tmp_path / 'out', **common)
    with pytest.raises(ValueError, match='sources must be images, or videos'):
        crop_people(__file__, tmp_path / 'out', **common)
    with pytest.raises(ValueError, match='out_dir must not lie in'):
        crop_people(tmp_path / 'in', tmp_path / 'in/out', **common)


def test_missing_weights_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))

    def refuse(url, *_, **__):
        raise OSError(f'no way to {url[:8]}')

    monkeypatch.setattr(torch.hub, 'download_url_to_file', refuse)
    with pytest.raises(FileNotFoundError) as caught:
        crop_people(save(tmp_path / 'x.png', scene([])), tmp_path / 'out', detector=SMALL_MODEL, progress=False)
    message = str(caught.value)
    assert all(
        part in message
        for part in (SMALL_MODEL, 'https://download.pytorch.org/models/ssdlite', str(tmp_path), '--weights FILE', 'hog')
    )


@pytest.fixture(scope='module')
def small_weights(tmp_path_factory):
    from torchvision.models import get_model

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'small.pth'
    torch.save(get_model(SMALL_MODEL, weights=None, weights_backbone=None).state_dict(), path)
    return path


def test_a_torchvision_model_with_a_local_file(small_weights, tmp_path):
    detector, name, score = load_detector(SMALL_MODEL, weights=small_weights, device='cpu')
    assert (name, score) == (SMALL_MODEL, 0.7)
    own = detector.model.state_dict()
    assert all(torch.equal(value, own[key]) for key, value in torch.load(small_weights, weights_only=True).items())
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    boxes, scores = detector(picture)
    with torch.no_grad():
        (found,) = detector.model([torch.from_numpy(picture).permute(2, 0, 1) / 255])
    people = found['labels'] == 1
    np.testing.assert_allclose(boxes, found['boxes'][people].numpy(), rtol=1e-4, atol=1e-2)
    assert boxes.shape == (int(people.sum()), 4) and scores.shape == boxes.shape[:1]
    source, options = save(tmp_path / 'x.png', picture), dict(detector=SMALL_MODEL, device='cpu', min_score=0)
    report = crop_people(source, tmp_path / 'out', weights=small_weights, progress=False, **options)
    assert report.pictures == 1
    state = torch.load(small_weights, weights_only=True)
    finetuned = {key: value + 1 if key.startswith('head') else value for key, value in state.items()}
    torch.save(finetuned, tmp_path / 'small.pth')
    with pytest.raises(ValueError, match=r"other settings \(\{'weights': '[0-9a-f]{64}'\}\)"):
        crop_people(source, tmp_path / 'out', weights=tmp_path / 'small.pth', progress=False, **options)


def test_other_weights_are_refused(tmp_path):
    path = tmp_path / 'other.pth'
    torch.save({'backbone.x': torch.zeros(3)}, path)
    with pytest.raises(ValueError, match=rf'other\.pth must be those of {SMALL_MODEL}'):
        TorchvisionDetector(SMALL_MODEL, path)
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match='must hold tensors by name'):
        TorchvisionDetector(SMALL_MODEL, path)


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    """Neither cached nor to be fetched."""

    def refuse(*args, **kwargs):
        raise OSError('no network')

    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.setattr('urllib.request.urlopen', refuse)


def test_by_default_hog_stands_in_for_weights_that_are_not_there(no_weights, monkeypatch, tmp_path):
    class Hog:
        name, min_score = HOG, 0.5

        def __call__(self, picture):
            return red_people(picture)

    monkeypatch.setattr('mmt2ireid.apis.people.detectors.HOGDetector', Hog)
    image = save(tmp_path / 'street.png', scene([(20, 30, 60, 150)]))
    with pytest.warns(UserWarning, match='fasterrcnn_resnet50_fpn_v2.*could not be downloaded.*so people are looked'):
        assert crop_people(image, tmp_path / 'out', progress=False).crops == 1
    with pytest.raises(FileNotFoundError, match=r'none\.pth'):
        load_detector(AUTO, weights=tmp_path / 'none.pth')  # what is named is not replaced


def test_no_detector_at_all(no_weights, monkeypatch, tmp_path):
    monkeypatch.delattr(cv2, 'HOGDescriptor', raising=False)
    with pytest.raises(ImportError, match=r'could not be downloaded.*opencv-python<5'):
        load_detector(AUTO)


def test_by_default_torchvision_where_its_weights_are(monkeypatch, small_weights):
    monkeypatch.setattr('mmt2ireid.apis.people.detectors.TORCHVISION', SMALL_MODEL)
    detector, name, score = load_detector(AUTO, weights=small_weights)
    assert isinstance(detector, TorchvisionDetector) and (name, score) == (SMALL_MODEL, 0.7)


def test_the_tool(tmp_path, capsys):
    image = save(tmp_path / 'street.png', scene([]))
    (tmp_path / 'broken.png').write_bytes(b'no picture')
    sys.path.insert(0, str(TOOLS))
    try:
        import crop_people as tool
    finally:
        sys.path.remove(str(TOOLS))
    given = [str(image), '--out', str(tmp_path / 'out'), '--detector', 'nobody', '--no-progress']
    assert tool.main(given) == 2 and "must be 'auto', 'hog'" in capsys.readouterr().err
    if not hasattr(cv2, 'HOGDescriptor'):
        pytest.skip('this OpenCV has no HOG detector')
    given[given.index('nobody')] = HOG
    assert tool.main(given) == 0 and '0 people in 1 picture of 1 image or video' in capsys.readouterr().out
    assert tool.main([str(tmp_path / 'broken.png'), *given]) == 1 and 'broken.png' in capsys.readouterr().out


@pytest.mark.skipif(hasattr(cv2, 'HOGDescriptor'), reason='this OpenCV has the HOG detector')
def test_an_opencv_without_hog_says_what_to_install(tmp_path):
    with pytest.raises(ImportError, match=r'opencv-python<5.*opencv-contrib-python.*fasterrcnn'):
        crop_people(save(tmp_path / 'x.png', scene([])), tmp_path / 'out', progress=False)


@pytest.mark.skipif(not hasattr(cv2, 'HOGDescriptor'), reason='this OpenCV has no HOG detector')
def test_hog_is_opencvs_own(tmp_path):
    detector, name, _ = load_detector(HOG)
    assert name == HOG
    picture = np.random.default_rng(0).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    boxes, scores = detector(picture)
    assert boxes.shape == (len(scores), 4)
    assert all(len(part) == 0 for part in detector(picture[:100, :60]))
    crop_people(save(tmp_path / 'x.png', picture), tmp_path / 'out', detector=HOG, progress=False)


@pytest.mark.skipif(not hasattr(cv2, 'HOGDescriptor'), reason='this OpenCV has no HOG detector')
def test_hog_finds_drawn_people(tmp_path):
    """Figures of ToyPEDES on a drawn street: no photographs, and yet found."""
    from dataclasses import replace
    from random import Random

    from mmt2ireid.datasets.toy import Garment, Person, Shot
    from mmt2ireid.datasets.toy.canvas import Canvas
    from mmt2ireid.datasets.toy.figure import draw_figure

    person = Person(
        age='young', gender='man', upper=Garment('t-shirt', 'black'), lower=Garment('pants', 'blue'),
        hair_length='short', hair_colour='black', shoes='black', skin=0, build=1.0,
    )  # fmt: skip
    street = Image.new('RGB', (640, 400), (200, 205, 210))
    street.paste((150, 150, 148), (0, 260, 640, 400))
    places = [120, 320, 520]
    for number, place in enumerate(places):
        dressed = replace(person, upper=Garment('t-shirt', ('black', 'red', 'blue')[number]))
        canvas = Canvas(street, unit=220, origin=(place, 360), flip=False)
        draw_figure(canvas, dressed, Shot('standing', ('front', 'back', 'front')[number]), Random(number))
    street.save(tmp_path / 'street.png')
    report = crop_people(tmp_path / 'street.png', tmp_path / 'out', detector=HOG, min_score=0.1, progress=False)
    boxes = [row['box'] for row in table(tmp_path / 'out')]
    found = [place for place in places if any(x0 < place < x1 and y0 < 250 < y1 for x0, y0, x1, y1 in boxes)]
    assert len(found) >= 2 and report.crops <= len(places) + 1


def test_sources_of_one_name_are_told_apart_and_one_of_two_names_is_known(tmp_path, monkeypatch):
    for folder in ('first', 'second'):
        save(tmp_path / folder / 'shot.png', scene([(10, 40, 50, 160)]))
        monkeypatch.chdir(tmp_path / folder)
        assert crop_people('shot.png', '../crops', detector=red_people, progress=False).crops == 1
    paths = [line['path'] for line in table(tmp_path / 'crops')]
    assert len(paths) == 2
    assert all((tmp_path / 'crops' / path).is_file() for path in paths)
    report = crop_people(tmp_path / 'second/shot.png', '../crops', detector=red_people, progress=False)
    assert (report.known, report.crops) == (1, 0)
    assert len(read_metadata(tmp_path / 'crops/crops.jsonl')) == 2  # which refuses a path that is there twice


LONG, LONGER = 'é' * 120, '😀' * 60


@pytest.mark.parametrize(
    'stem', [LONG, LONGER, ' first', 'a\\b', '.hidden', 'two\nlines'], ids=['long', 'longer', '1', '2', '3', '4']
)
def test_the_table_names_crops_whatever_the_sources_are_called(stem, tmp_path):
    source = save(tmp_path / 'photos' / f'{stem}.png', scene([(10, 40, 50, 160)]))
    assert crop_people(source, tmp_path / 'crops', detector=red_people, progress=False).crops == 1
    found = [picture.name for picture in scan_folder(tmp_path / 'crops').files]
    assert list(read_metadata(tmp_path / 'crops/crops.jsonl')) == found


@pytest.mark.skipif(sys.platform != 'linux', reason='other systems have no such names')
def test_names_that_are_no_text_are_refused_and_told(tmp_path, monkeypatch, capsys):
    broken = os.path.join(os.fsencode(tmp_path), b'caf\xe9.png')
    with open(broken, 'wb') as file:
        file.write(save(tmp_path / 'good.png', scene([(10, 40, 50, 160)])).read_bytes())
    sources = [os.fsdecode(broken), tmp_path / 'good.png']
    report = crop_people(sources, tmp_path / 'crops', detector=red_people, progress=False)
    assert report.crops == 1
    assert [reason for _, reason in report.refused] == ['has a name that is not UTF-8: rename it']
    monkeypatch.syspath_prepend(str(TOOLS))
    import crop_people as tool

    monkeypatch.setattr(tool, 'crop_people', lambda *args, **options: report)
    assert tool.main(['somewhere', '--out', 'crops']) == 1
    assert 'caf\\udce9.png' in capsys.readouterr().out


@pytest.mark.parametrize(
    'entry',
    [
        '{}',
        '{"source": "x"}',
        '{"source": "x", "stamp": "1", "picture": 0, "crops": [{"box": 1}]}',
        '{"source": "x", "stamp": "1", "picture": 0, "crops": [{"path": "../outside.png"}]}',
    ],
)
def test_a_damaged_log_is_named(entry, tmp_path):
    source = save(tmp_path / 'a.png', scene([(10, 40, 50, 160)]))
    crop_people(source, tmp_path / 'crops', detector=red_people, progress=False)
    with open(tmp_path / 'crops/.crop_people/log.jsonl', 'a') as file:
        file.write(f'{entry}\n')
    with pytest.raises(ValueError, match=r'log\.jsonl, line 4: must be JSON that crop_people wrote'):
        crop_people(source, tmp_path / 'crops', detector=red_people, progress=False)


def test_hog_counts_people_that_it_is_sure_of(monkeypatch, tmp_path):
    monkeypatch.setattr(HOGDetector, '__init__', lambda self: None)
    boxes = np.array([[10, 10, 60, 150], [200, 10, 250, 150]], dtype=float)
    monkeypatch.setattr(HOGDetector, '__call__', lambda self, picture: (boxes, np.array([1.3, 1.1])))
    source = save(tmp_path / 'x.png', np.full((200, 300, 3), 90, np.uint8))
    assert crop_people(source, tmp_path / 'out', detector=HOG, progress=False).crops == 1
    assert crop_people(source, tmp_path / 'low', detector=HOG, min_score=0.5, progress=False).crops == 2


@pytest.mark.parametrize(('name', 'value'), [('every', float('inf')), ('min_score', float('nan'))])
def test_numbers_that_would_find_nobody_are_refused(name, value, tmp_path):
    video = write_video(tmp_path / 'v.avi', walking(3))
    with pytest.raises(ValueError, match=f'{name} must be'):
        crop_people(video, tmp_path / 'crops', detector=red_people, progress=False, **{name: value})


@pytest.mark.skipif(not hasattr(cv2, 'HOGDescriptor'), reason='this OpenCV has no HOG detector')
@pytest.mark.parametrize('size', [(1, 20000), (20000, 1), (1, 1)])
def test_hog_takes_pictures_of_any_shape(size):
    boxes, scores = load_detector(HOG)[0](np.full((*size, 3), 90, np.uint8))
    assert (boxes.shape, scores.shape) == ((0, 4), (0,))


@pytest.mark.parametrize('device', ['nowhere', 'cuda:99'])
def test_a_device_that_is_not_there_is_named(device):
    with pytest.raises(ValueError, match=f'device must be one that can be used here, such as cpu, but got {device}'):
        usable_device(device)


def test_crops_stay_where_a_changed_image_cannot_be_read(tmp_path, monkeypatch):
    image, out = save(tmp_path / 'street.png', scene([(20, 30, 60, 150)])), tmp_path / 'out'
    crop_people(image, out, detector=red_people, progress=False)
    (row,) = table(out)
    image.write_bytes(image.read_bytes() + b' ')
    with monkeypatch.context() as broken:
        broken.setattr(cropping, 'read_picture', raising(UnreadImageError('street.png', 'cannot be read (EIO)')))
        report = crop_people(image, out, detector=red_people, progress=False)
    assert report.refused == [(image.as_posix(), 'cannot be read (EIO)')]
    assert table(out) == [row] and (out / row['path']).is_file()
    image.write_bytes(b'damaged')  # what the crops were of is no more
    assert crop_people(image, out, detector=red_people, progress=False).refused
    assert table(out) == [] and not list(out.glob('*.png'))


def raising(error):
    def fail(*args):
        raise error

    return fail


def test_an_image_that_vanishes_meanwhile_is_refused(tmp_path):
    images = [save(tmp_path / f'imgs/{number}.png', scene([(20, 30, 60, 150)])) for number in range(3)]

    def detect(picture):
        images[1].unlink(missing_ok=True)
        return red_people(picture)

    report = crop_people(tmp_path / 'imgs', tmp_path / 'out', detector=detect, progress=False)
    assert (report.sources, report.crops) == (3, 2)
    assert report.refused == [(images[1].as_posix(), 'cannot be read (No such file or directory)')]


def test_crops_beyond_a_link_are_not_deleted(tmp_path):
    image, out = save(tmp_path / 'street.png', scene([(20, 30, 60, 150)])), tmp_path / 'out'
    crop_people(image, out, detector=red_people, progress=False)
    (row,) = table(out)
    other = save(tmp_path / 'other/mine.png', scene([]))
    (out / 'link').symlink_to(tmp_path / 'other')
    log = out / '.crop_people/log.jsonl'
    log.write_text(log.read_text().replace(row['path'], 'link/mine.png'))
    save(image, scene([(20, 30, 70, 150)]))
    os.utime(image, (1, 1))
    assert crop_people(image, out, detector=red_people, progress=False).crops == 1
    assert other.is_file()
