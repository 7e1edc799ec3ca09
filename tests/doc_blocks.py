"""Code blocks and links of the documents."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
METHODS = sorted((ROOT / 'configs').glob('*/README.md'))


def blocks(document: Path, language: str) -> list[str]:
    """Code blocks of a document."""
    return re.findall(rf'```{language}\n(.*?)```', document.read_text(encoding='utf-8'), re.DOTALL)


def commands(document: Path) -> list[str]:
    """Commands of the bash blocks, a line each, without comments and superfluous blanks."""
    found = []
    for block in blocks(document, 'bash'):
        for line in block.replace('\\\n', ' ').splitlines():
            if words := shlex.split(line, comments=True):
                found.append(' '.join(word if word.endswith('*.pth') else shlex.quote(word) for word in words))
    return found


def links(document: Path) -> list[str]:
    """Targets of links and pictures that lie in the repository."""
    text = re.sub(r'```.*?```', '', document.read_text(encoding='utf-8'), flags=re.DOTALL)
    return [link for link in re.findall(r'\]\(([^)\s]+)\)', text) if not link.startswith(('http:', 'https:'))]


def anchors(document: Path) -> set[str]:
    """What a document's headings are called in links."""
    headings = re.findall(r'^#+ (.*)$', document.read_text(encoding='utf-8'), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}
