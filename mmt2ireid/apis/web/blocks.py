"""Gradio's page with a log that requests cannot fill. Imports Gradio."""

from __future__ import annotations

from typing import Any

import gradio as gr

from mmt2ireid.apis.web.requests_log import note_failure


class Blocks(gr.Blocks):
    """A page on which a question that cannot be answered makes one line of the log, and no traceback of many."""

    async def process_api(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Answers a question, as Gradio does.

        Raises:
            gr.Error: it cannot be answered; Gradio logs no more of this one.
        """
        try:
            return await super().process_api(*args, **options)
        except gr.Error as error:
            if error.print_exception:
                note_failure('a question', error)
            error.print_exception = False
            raise
        except Exception as error:
            note_failure('a question', error)
            raise gr.Error('This question cannot be read.', print_exception=False) from None
