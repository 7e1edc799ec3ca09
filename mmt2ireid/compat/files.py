"""Files that are written whole or not at all, also those that MMEngine writes."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

TEMP_FILE = re.compile(r'^\..+\.\d+\.tmp$')
"""Names of the files that :func:`write_atomically` leaves behind when it is killed."""


def write_atomically(path: str | os.PathLike, data: bytes | memoryview) -> None:
    """Writes a file whole or not at all: to a temporary name in the same folder, synced, then renamed.

    Args:
        path: where to write; missing folders are made.
        data: what to write.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temp = target.with_name(f'.{target.name}.{os.getpid()}.tmp')
    try:
        with open(temp, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, target)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise


def patch_local_backend() -> None:
    """Checkpoints, and all else that MMEngine's local backend puts, are written whole or not at all.

    No released MMEngine (0.10.7, 0.11.0rc3) writes this way. The methods are replaced on the class because instances
    may be cached already.
    """
    from mmengine.fileio.backends.local_backend import LocalBackend

    def put(self: Any, obj: bytes | memoryview, filepath: str | Path) -> None:
        write_atomically(filepath, obj)

    def put_text(self: Any, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        write_atomically(filepath, obj.encode(encoding))

    LocalBackend.put = put
    LocalBackend.put_text = put_text


def patch_file_client() -> None:
    """Silences the warning that ``FileClient`` is deprecated, which MMEngine 0.10.7's own checkpoint hook provokes.

    To be retired by the release whose hooks no longer use it.
    """
    from mmengine.fileio import file_client

    file_client.print_log = lambda *args, **kwargs: None
