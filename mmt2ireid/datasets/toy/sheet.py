"""A contact sheet: what a toy world looks like at a glance."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

BACK = (250, 250, 248)
INK = (30, 30, 34)
GAP = 8
LINE = 18


def make_contact_sheet(
    out: str | os.PathLike[str], path: str | os.PathLike[str], *, identities: int = 6, pool: int = 24, zoom: int = 2
) -> None:
    """Draw identities of the test split with a caption each, and persons of the pool.

    Args:
        out: a finished toy world.
        path: picture to write.
        identities: how many identities of the labelled and of the second set (a third as many) to show.
        pool: how many persons of the pool to show.
        zoom: enlargement of the pictures.
    """
    root, path = Path(out), Path(path)
    rows = []
    for folder, count in ((root, identities), (root / 'second', identities // 3)):
        if (folder / 'imgs').is_dir():
            rows += _identity_rows(folder, count, zoom)
    rows += _pool_rows(root / 'pool', pool, zoom)
    width = max(row.width for row in rows) + 2 * GAP
    sheet = Image.new('RGB', (width, sum(row.height + GAP for row in rows) + GAP), BACK)
    y = GAP
    for row in rows:
        sheet.paste(row, (GAP, y))
        y += row.height + GAP
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    sheet.save(temporary, 'PNG')
    os.replace(temporary, path)


def _identity_rows(folder: Path, count: int, zoom: int) -> list[Image.Image]:
    """Two identities side by side, a caption of the first picture of each below."""
    persons: dict[int, list[dict[str, Any]]] = {}
    for record in json.loads((folder / 'reid_raw.json').read_text(encoding='utf-8')):
        if record['split'] == 'test':
            persons.setdefault(record['id'], []).append(record)
    cells = []
    for records in list(persons.values())[:count]:
        strip = _strip([folder / 'imgs' / record['file_path'] for record in records], zoom)
        cells.append(_with_text(strip, f'{records[0]["id"]}: {records[0]["captions"][0]}'))
    return [_beside(cells[i : i + 2]) for i in range(0, len(cells), 2)]


def _pool_rows(folder: Path, count: int, zoom: int) -> list[Image.Image]:
    records = json.loads((folder / 'captions.json').read_text(encoding='utf-8'))[:count]
    rows = []
    for start in range(0, len(records), 12):
        part = records[start : start + 12]
        strip = _strip([folder / 'imgs' / record['file_path'] for record in part], zoom)
        rows.append(_with_text(strip, f'pool: {part[0]["captions"][0]}'))
    return rows


def _strip(paths: list[Path], zoom: int) -> Image.Image:
    images = []
    for path in paths:
        with Image.open(path) as image:
            size = image.width * zoom, image.height * zoom
            images.append(image.convert('RGB').resize(size, Image.Resampling.LANCZOS))
    return _beside(images, 4)


def _beside(images: list[Image.Image], gap: int = 4 * GAP) -> Image.Image:
    row = Image.new('RGB', (sum(i.width + gap for i in images) - gap, max(i.height for i in images)), BACK)
    x = 0
    for image in images:
        row.paste(image, (x, 0))
        x += image.width + gap
    return row


def _with_text(strip: Image.Image, text: str) -> Image.Image:
    lines = textwrap.wrap(text, max(20, strip.width // 7))
    cell = Image.new('RGB', (strip.width, strip.height + LINE * len(lines) + 4), BACK)
    cell.paste(strip, (0, 0))
    draw, font = ImageDraw.Draw(cell), ImageFont.load_default(13)
    for number, line in enumerate(lines):
        draw.text((0, strip.height + 2 + LINE * number), line, fill=INK, font=font)
    return cell
