"""What the page's log says of requests that it could not answer: a line for each."""

from __future__ import annotations

import logging

LOGGER = logging.getLogger('mmt2ireid.web')
_MOST = 300


def note_failure(what: str, error: Exception) -> None:
    """Logs that something could not be answered; the traceback only where the log takes debugging messages.

    Args:
        what: was not answered.
        error: why.
    """
    LOGGER.warning('%s could not be answered: %s: %s', _line(what), type(error).__name__, _line(str(error)))
    LOGGER.debug('%s could not be answered', _line(what), exc_info=error)


def _line(text: str) -> str:
    """A text that a visitor may have written, as one short line."""
    return ' '.join(text.split())[:_MOST].encode('ascii', 'backslashreplace').decode()
