"""Bars of named steps."""

from __future__ import annotations

import io
import sys

import pytest

from mmt2ireid.engine.hooks import step_progress
from mmt2ireid.engine.hooks.step_progress import StepProgress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def show(monkeypatch, stream, **options) -> str:
    monkeypatch.setattr(sys, 'stderr', stream)
    progress = StepProgress('clustering img:', **options)
    for step in ('neighbours', 'distances'):
        for share in (0.0, 0.25, 1.0):
            progress(step, share)
    progress.close()
    return stream.getvalue()


def test_bars_on_a_terminal(monkeypatch):
    shown = show(monkeypatch, Terminal())
    assert shown.index('clustering img: neighbours') < shown.index('clustering img: distances')
    assert '?%/s' in shown  # the rate, and the time left before it


def test_plain_lines_elsewhere(monkeypatch):
    shown = show(monkeypatch, io.StringIO(), plain_interval=0)
    assert 'clustering img: neighbours: 25%, ' in shown and ' %/s, ' in shown
    assert shown.splitlines()[-1].startswith('clustering img: distances: 100%, ') and '00:00 left' in shown
    assert show(monkeypatch, io.StringIO()) == ''


@pytest.mark.parametrize('stream', [Terminal, io.StringIO])
def test_other_ranks_are_silent(monkeypatch, stream):
    monkeypatch.setattr(step_progress, 'is_main_process', lambda: False)
    assert show(monkeypatch, stream(), plain_interval=0) == ''
