"""Read config files and the ``--cfg-options`` of the command line; what is wrong is named by file, line and key."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from mmengine.config import Config, DictAction

from mmt2ireid.engine.unread_settings import refuse_unread_changes

__all__ = ['ConfigOptions', 'read_config']

_SUFFIXES = ('.py', '.yml', '.yaml', '.json')


def read_config(path: str | os.PathLike, changes: Mapping[str, Any] | None = None) -> Config:
    """Read a config file.

    Args:
        path: a ``.py``, ``.yml``, ``.yaml`` or ``.json`` config.
        changes: dotted keys and their values, as :class:`ConfigOptions` gives them. Default: None, no changes.

    Returns:
        The config with its bases and the changes merged.

    Raises:
        FileNotFoundError: there is no such file; also for a base.
        ImportError: a module of ``custom_imports`` cannot be imported.
        ValueError: the file is no config, fails when it is run, or a change does not fit it or would change nothing,
            since no run reads it. The message names the
            file, of the whole chain of bases the one at fault, and the line or the key.

    Example:
        >>> read_config('configs/toy/unipt_vit_toy.py', {'train_cfg.max_epochs': 2})  # doctest: +SKIP
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f'config {path} must be a file, but there is {_instead_of_file(path)}')
    if not path.endswith(_SUFFIXES):
        raise ValueError(f'config {path} must end in one of {_SUFFIXES}, but does not')
    try:
        cfg = Config.fromfile(path)
    except ImportError as error:
        raise ImportError(f'config {path}: {_first_line(error)}; set PYTHONPATH to where it is') from error
    except Exception as error:  # a config is a program: anything may be raised by it, and MMEngine checks little
        raise _wrong_file(path, error) from error
    refuse_unread_changes(cfg, changes or {})
    for key, value in (changes or {}).items():
        try:
            cfg.merge_from_dict({key: value})
        except Exception as error:
            raise ValueError(f'--cfg-options {key}={value} does not fit {path}: {_first_line(error)}') from error
    return cfg


class ConfigOptions(DictAction):
    """The argparse action of ``--cfg-options KEY=VALUE...``: MMEngine's, with errors that name the argument."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Check the arguments, then parse them."""
        for argument in [values] if isinstance(values, str) else values or ():
            key, separator, value = argument.partition('=')
            if not separator or not key or key != key.strip():
                raise argparse.ArgumentError(self, f'must be KEY=VALUE without blanks, but got {argument!r}')
            if value.count('(') != value.count(')') or value.count('[') != value.count(']'):
                raise argparse.ArgumentError(self, f'must have balanced brackets, but got {argument!r}')
        super().__call__(parser, namespace, values, option_string)


def _instead_of_file(path: str) -> str:
    if os.path.isdir(path):
        return 'a folder'
    configs = f'{path}.py' if os.path.isfile(f'{path}.py') else ''
    return f'{configs} only' if configs else 'none'


def _wrong_file(path: str, error: Exception) -> Exception:
    """The error of a file that could not be read as a config; the innermost file of the chain is the one at fault."""
    file, line = _place(path, error.__traceback__)
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(f'config {file}: {_first_line(error)}')
    if isinstance(error, SyntaxError):
        return ValueError(f'config {file}, line {error.lineno}: {error.msg}')
    if isinstance(error, UnicodeDecodeError):
        return ValueError(f'config {file} must be UTF-8 text, but is not: save it as UTF-8')
    if isinstance(error, (RecursionError, MemoryError)):
        return ValueError(f'config {file} is nested too deeply, or is a base of itself')
    if isinstance(error, AttributeError) and line is None:
        return ValueError(f'config {file} must hold names and their values, but holds something else')
    where = f'config {file}' if line is None else f'config {file}, line {line}'
    return ValueError(f'{where}: {type(error).__name__}: {_first_line(error)}')


def _place(path: str, traceback: TracebackType | None) -> tuple[str, int | None]:
    """The config that was being read when an error was raised, and the line of it that was being run, if any."""
    file, line = path, None
    while traceback is not None:
        code, names = traceback.tb_frame.f_code, traceback.tb_frame.f_locals
        if code.co_name == '_file2dict' and names.get('filename'):
            file, line = names['filename'], None
        if file == code.co_filename:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    relative = os.path.relpath(file)
    return file if relative.startswith(os.pardir) else relative, line


def _first_line(error: BaseException) -> str:
    """The message of an error without what follows its first line; its type where it has none."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return text.strip().split('\n', 1)[0] or type(error).__name__
