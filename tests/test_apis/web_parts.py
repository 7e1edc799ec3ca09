"""A gallery of plain colours, a model that knows them, and a client that talks to the page as a browser does."""

from __future__ import annotations

import http.client
import io
import json
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
from PIL import Image

COLOURS = dict(red=(220, 20, 20), green=(20, 220, 20), blue=(20, 20, 220), white=(240, 240, 240), dark=(30, 30, 30))


class ColourEncoder:
    """A picture is its mean colour, a text the mean of the colours that it names."""

    dim = 4
    batch_size = 16
    fingerprint = 'colours'

    def encode_images(self, pictures):
        return self._unit([picture.reshape(-1, 3).mean(0) for picture in pictures])

    def encode_texts(self, texts):
        known = [[COLOURS[word] for word in text.split() if word in COLOURS] or [(100, 101, 102)] for text in texts]
        return self._unit([np.mean(colours, axis=0) for colours in known])

    @staticmethod
    def _unit(colours):
        values = np.concatenate([np.array(colours, dtype=np.float64) - 100, np.full((len(colours), 1), 50.0)], axis=1)
        return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def save(path: Path, colour, size=(8, 16), **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new('RGB', size, COLOURS.get(colour, colour)).save(path, **options)
    return path


def picture(colour, kind='PNG', size=(8, 16)) -> bytes:
    stream = io.BytesIO()
    Image.new('RGB', size, COLOURS.get(colour, colour)).save(stream, format=kind)
    return stream.getvalue()


def colour_gallery(folder: Path) -> Path:
    """A crop per colour and camera, in slightly different shades."""
    for name, colour in COLOURS.items():
        for camera in range(2):
            shade = tuple(min(255, part + 3 * camera) for part in colour)
            save(folder / f'cam{camera}/{name}.png', shade)
    rows = [f'cam{camera}/{name}.png,c{camera},{number}' for camera in range(2) for number, name in enumerate(COLOURS)]
    (folder / 'metadata.csv').write_text('\n'.join(['path,camera,floor', *rows]))
    return folder


class PageClient:
    """Speaks Gradio's own protocol, so that it can also say what no browser would."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip('/')
        self.web = httpx.Client(base_url=self.address, timeout=60)
        self.config = self.web.get('/config').json()
        self.session = uuid.uuid4().hex[:12]

    def component(self, elem_id: str) -> int:
        return next(part['id'] for part in self.config['components'] if part['props'].get('elem_id') == elem_id)

    def number(self, elem_id: str, event: str) -> int:
        target = [self.component(elem_id), event]
        return next(part['id'] for part in self.config['dependencies'] if target in part['targets'])

    def join(self, elem_id: str, event: str, data: list, event_data=None) -> httpx.Response:
        content = dict(
            data=data, fn_index=self.number(elem_id, event), session_hash=self.session, event_data=event_data
        )
        # As browsers write it: halves of letters are escaped.
        headers = {'content-type': 'application/json'}
        return self.web.post('/gradio_api/queue/join', content=json.dumps(content), headers=headers)

    def event(self, elem_id: str, event: str, data: list, event_data=None) -> dict:
        """What the page answers: 'success' and 'output'."""
        joined = self.join(elem_id, event, data, event_data)
        joined.raise_for_status()
        wanted = joined.json()['event_id']
        with self.web.stream('GET', '/gradio_api/queue/data', params=dict(session_hash=self.session)) as stream:
            for line in stream.iter_lines():
                message = json.loads(line[6:]) if line.startswith('data: ') else {}
                if message.get('msg') == 'process_completed' and message['event_id'] == wanted:
                    return message
        raise AssertionError('the page closed the stream without an answer')

    def search(self, text, *, picture=None, top_k=12, entries=([], [])) -> str:
        """HTML that a search gives: message and results."""
        answer = self.event('search', 'click', [text, picture, 0.5, top_k, *entries])
        assert answer['success'], answer
        return ' '.join(html_of(part) for part in answer['output']['data'])

    def upload(self, content: bytes, name: str) -> dict:
        answer = self.web.post('/gradio_api/upload', files={'files': (name, content)})
        answer.raise_for_status()
        (path,) = answer.json()
        return file_data(path)


def file_data(path: str) -> dict:
    """A file as browsers name it."""
    return dict(path=path, orig_name=Path(path).name, meta=dict(_type='gradio.FileData'))


def html_of(part) -> str:
    return (part.get('value') or '') if isinstance(part, dict) else str(part or '')


def raw_get(address: str, path: str, method='GET') -> tuple[int, bytes]:
    """A request whose path is sent as it is: clients would tidy it up."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    connection.putrequest(method, path, skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content
