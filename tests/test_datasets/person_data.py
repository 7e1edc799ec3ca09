"""Small data sets in the layouts of the releases, drawn at random."""

import json

import cv2
import numpy as np

PIECES = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', *(f'word{n}' for n in range(30)), '##s', '##ing', 'walk', 'red']


def draw(seed, height=60, width=30):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_json(path, content):
    path.write_text(json.dumps(content))
    return path


def make_records(num_ids=8, images_per_id=3, split='train', first_id=1, path_key='file_path', folder='cam_a'):
    records = []
    for pid in range(first_id, first_id + num_ids):
        for image in range(images_per_id):
            number = len(records)
            captions = [f'word{number % 30} walking reds {n}' for n in range(2)]
            path = f'{folder}/{split}_{pid}_{image}.png'
            records.append({'split': split, 'captions': captions, path_key: path, 'processed_tokens': [], 'id': pid})
    return records


def write_images(root, records, path_key='file_path'):
    for number, record in enumerate(records):
        path = root / record[path_key]
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), draw(number))
