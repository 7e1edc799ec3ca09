"""The collection that a Milvus gallery is: its schema, its index, and whose vectors it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mmt2ireid.gallery.base import GalleryError, check_model
from mmt2ireid.gallery.milvus_client import Place, errors_in_words
from mmt2ireid.gallery.milvus_rows import CONDITIONS, CROP, KEY, KEY_LENGTH, SEQUENCE, VECTOR

FORMAT = 'mmt2ireid.gallery'
VERSION = 1
TIMEOUT = 60.0
"""Seconds that Milvus may take for one call."""


def open_collection(
    client: Any, place: Place, model: str, dim: int, index: dict[str, Any], *, read_only: bool = False
) -> None:
    """Makes the collection if it is not there, sees that it is a gallery of the model, and loads it.

    Args:
        client: a ``MilvusClient``.
        place: where.
        model: fingerprint of the model; it is part of the collection's description, made with it in one step.
        dim: width of its vectors.
        index: ``index_type`` and ``params`` of a new collection's index.
        read_only: makes nothing.

    Raises:
        GalleryMismatchError: it was made with another model.
        GalleryError: it is no gallery, or is not there and may not be made.
    """
    if not client.has_collection(place.collection, timeout=TIMEOUT):
        if read_only:
            raise GalleryError(f'{place.label}: there is no gallery (no collection {place.collection})')
        _create(client, place, model, dim, index)
    description = client.describe_collection(place.collection, timeout=TIMEOUT)
    try:
        words = json.loads(description['description'])
        stamp = words['format'], words['version']
    except (KeyError, TypeError, ValueError):
        stamp = (None, None)
    if stamp[0] != FORMAT:
        raise GalleryError(f'{place.label}: the collection {place.collection} is no gallery of mmt2ireid')
    if stamp[1] != VERSION:
        raise GalleryError(f'{place.label}: expected a gallery of version {VERSION}, but got {stamp[1]!r}')
    check_model(place.label, model, dim, words.get('model'), words.get('dim'))
    if not client.list_indexes(place.collection, field_name=VECTOR):
        # Whoever made the collection was stopped before its index.
        client.create_index(place.collection, _index(client, index), timeout=TIMEOUT)
    client.load_collection(place.collection, timeout=TIMEOUT)


def read_rows(client: Any, place: Place, fields: list[str]) -> Iterator[dict[str, Any]]:
    """All rows of a collection.

    Args:
        client: a ``MilvusClient``.
        place: where.
        fields: of each row.
    """
    with errors_in_words(place, 'reading from'):
        iterator = client.query_iterator(
            place.collection, batch_size=4096, filter='', output_fields=fields, consistency_level='Strong'
        )
        try:
            while rows := iterator.next():
                yield from rows
        finally:
            iterator.close()


def _create(client: Any, place: Place, model: str, dim: int, index: dict[str, Any]) -> None:
    from pymilvus import DataType

    words = {'format': FORMAT, 'version': VERSION, 'model': model, 'dim': dim}
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False, description=json.dumps(words))
    schema.add_field(KEY, DataType.VARCHAR, is_primary=True, max_length=KEY_LENGTH)
    schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=dim)
    schema.add_field(SEQUENCE, DataType.INT64)
    schema.add_field(CROP, DataType.JSON)
    schema.add_field(CONDITIONS, DataType.JSON)
    client.create_collection(
        place.collection,
        schema=schema,
        index_params=_index(client, index),
        consistency_level='Strong',
        timeout=TIMEOUT,
    )


def _index(client: Any, index: dict[str, Any]) -> Any:
    params = client.prepare_index_params()
    # Unit vectors: the inner product is the cosine, and what is stored is not scaled again.
    params.add_index(field_name=VECTOR, metric_type='IP', **index)
    return params
