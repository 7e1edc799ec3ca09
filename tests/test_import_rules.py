"""Who may import whom: read from the sources, not from what happens to be loaded."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = 'mmt2ireid'
COMMON = {'registry', 'compat', 'version', 'io'}
ALLOWED = {  # room -> rooms that it may import, beside itself and what is common to all
    'structures': set(),
    'text': set(),
    'labeling': set(),
    'gallery': set(),
    'pseudo_text': {'text'},
    'datasets': {'structures', 'text'},
    'models': {'structures', 'text'},
    'evaluation': {'structures'},
    'visualization': {'structures'},
    'engine': {'labeling', 'structures', 'evaluation'},
    'apis': {
        'structures',
        'text',
        'labeling',
        'pseudo_text',
        'datasets',
        'models',
        'evaluation',
        'visualization',
        'engine',
        'gallery',
    },
    **{name: set() for name in COMMON},
}
APIS = {  # what is in apis -> what in apis it may import
    'benchmark': set(),
    'clusters': {'vocabulary'},
    'commands': set(),
    'converters': {'model_zoo'},
    'devices': set(),
    'export': {'model_zoo', 'search'},
    'lazy': set(),
    'model_zoo': set(),
    'people': {'devices', 'search'},
    'report': set(),
    'search': {'devices', 'lazy', 'model_zoo'},
    'vocabulary': set(),
    'web': {'search'},
}
PURE = (
    f'{PACKAGE}.io',
    f'{PACKAGE}.text',
    f'{PACKAGE}.labeling',
    f'{PACKAGE}.gallery',
    f'{PACKAGE}.evaluation.retrieval',
)
OPENMMLAB = {'mmengine', 'mmcv', 'mmpretrain'}


def imports(source: str, module: str, is_package: bool = False) -> set[str]:
    """Full names of all that a module imports, at its top, in functions or for type checking."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            if node.level:
                up = node.level - (1 if is_package else 0)
                parents = module.split('.')
                base = '.'.join(parents[: len(parents) - up] + ([base] if base else []))
            # `from mmt2ireid import compat` imports mmt2ireid.compat; of __version__ there is no module.
            found.update(
                f'{base}.{alias.name}' if base == PACKAGE and not alias.name.startswith('__') else base
                for alias in node.names
            )
    return found


def modules(root: Path = ROOT) -> dict[str, set[str]]:
    """Module name to its imports, for every module of the package."""
    found = {}
    for path in sorted((root / PACKAGE).rglob('*.py')):
        parts = path.relative_to(root).with_suffix('').parts
        is_package = parts[-1] == '__init__'
        name = '.'.join(parts[:-1] if is_package else parts)
        found[name] = imports(path.read_text(encoding='utf-8'), name, is_package)
    return found


def room(module: str) -> str:
    """``mmt2ireid.models.heads`` -> ``models``; '' for the package itself."""
    return module.split('.')[1] if '.' in module else ''


def is_below(module: str, *places: str) -> bool:
    return any(module == place or module.startswith(f'{place}.') for place in places)


def breaches(graph: dict[str, set[str]]) -> list[str]:
    """Every import that the rules forbid."""
    found = []
    for module, imported in graph.items():
        own_room = room(module)
        if own_room and own_room not in ALLOWED:
            found.append(f'{module} is in no room that has rules')
            continue
        for name in sorted(imported):
            top = name.split('.')[0]
            if top in ('tools', 'tests', 'configs'):
                found.append(f'{module} imports {name}')
            if top == PACKAGE and not may_import(own_room, room(name)):
                found.append(f'{module} imports {name}')
    return found + impure(graph)


def uphill(graph: dict[str, set[str]]) -> list[str]:
    """Imports within apis from below: its rooms build on each other in one direction."""
    found = []
    for module, imported in graph.items():
        if not is_below(module, f'{PACKAGE}.apis') or module == f'{PACKAGE}.apis':
            continue
        own = module.split('.')[2]
        if own not in APIS:
            found.append(f'{module} is in no room of apis that has rules')
            continue
        for name in sorted(imported):
            other = [*name.split('.'), '', ''][2]
            if is_below(name, f'{PACKAGE}.apis') and other not in {own, *APIS[own]}:
                found.append(f'{module} imports {name}')
    return found


def may_import(own_room: str, other: str) -> bool:
    if own_room == '':
        return other in {'', *COMMON}
    if own_room in COMMON:
        return other in COMMON
    return other in {own_room, *ALLOWED[own_room], *COMMON} or (other == '' and own_room == 'apis')


def impure(graph: dict[str, set[str]]) -> list[str]:
    """Ways from the pure modules to MMEngine, also through other modules of ours; compat imports it only on call."""
    found = []
    todo = [(module, module) for module in graph if is_below(module, *PURE)]
    seen = set()
    while todo:
        start, module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        for name in sorted(graph.get(module, ())):
            if name.split('.')[0] in OPENMMLAB or is_below(name, f'{PACKAGE}.registry', f'{PACKAGE}.structures'):
                found.append(f'{start} must be free of MMEngine, but {module} imports {name}')
            elif is_below(name, PACKAGE) and room(name) not in COMMON:
                todo.append((start, name))
    return found


def test_the_package_keeps_the_rules():
    graph = modules()
    assert {'mmt2ireid.models.dual_encoder', 'mmt2ireid.structures.features'} <= graph.keys()
    assert not breaches(graph)
    assert not uphill(graph)


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('mmt2ireid.apis.search.x', 'from mmt2ireid.apis.web import Address'),
        ('mmt2ireid.apis.model_zoo', 'from mmt2ireid.apis.search import PersonSearcher'),
        ('mmt2ireid.apis.report.x', 'def f():\n    from mmt2ireid.apis import get_model'),
        ('mmt2ireid.apis.attic', 'import os'),
    ],
)
def test_apis_is_built_in_one_direction(module, source):
    assert uphill({module: imports(source, module)})
    allowed = dict.fromkeys(['mmt2ireid.apis.web.x'], imports('from mmt2ireid.apis.search import PersonSearcher', ''))
    assert not uphill(allowed)


def test_tools_import_the_package_only():
    for path in sorted((ROOT / 'tools').rglob('*.py')):
        others = {other.stem for other in (ROOT / 'tools').rglob('*.py')} | {'tools', 'tests'}
        clash = {name.split('.')[0] for name in imports(path.read_text(encoding='utf-8'), path.stem)} & others
        assert not clash, f'{path.name} imports {clash}'


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('mmt2ireid.models.x', 'from mmt2ireid.datasets import CUHKPEDES'),
        ('mmt2ireid.models.heads.x', 'import mmt2ireid.engine.hooks'),
        ('mmt2ireid.datasets.x', 'def f():\n    from mmt2ireid.models.losses import mlm_loss'),
        ('mmt2ireid.datasets.toy.x', 'from mmt2ireid import engine'),
        ('mmt2ireid.datasets.x', 'from ..engine import launch'),
        ('mmt2ireid.engine.x', 'from mmt2ireid.models import DualEncoder'),
        ('mmt2ireid.engine.x', 'if TYPE_CHECKING:\n    from mmt2ireid.datasets import CUHKPEDES'),
        ('mmt2ireid.structures.x', 'from mmt2ireid.text import Tokenizer'),
        ('mmt2ireid.evaluation.x', 'from mmt2ireid.models import DualEncoder'),
        ('mmt2ireid.visualization.x', 'from mmt2ireid.evaluation import retrieval_metrics'),
        ('mmt2ireid.models.x', 'from mmt2ireid.apis import get_model'),
        ('mmt2ireid.registry', 'from mmt2ireid.models import DualEncoder'),
        ('mmt2ireid.compat', 'from . import models'),
        ('mmt2ireid', 'from mmt2ireid.apis import get_model'),
        ('mmt2ireid.models.x', 'import mmt2ireid'),
        ('mmt2ireid.attic.x', 'import os'),
        ('mmt2ireid.engine.x', 'import tools.train'),
        ('mmt2ireid.text.x', 'import mmengine'),
        ('mmt2ireid.text.x', 'def f():\n    from mmengine.logging import print_log'),
        ('mmt2ireid.text.x', 'from mmt2ireid.registry import TRANSFORMS'),
        ('mmt2ireid.labeling.x', 'from mmcv.transforms import BaseTransform'),
        ('mmt2ireid.evaluation.retrieval', 'from mmengine.logging import print_log'),
        ('mmt2ireid.evaluation.retrieval', 'from mmt2ireid.structures import PersonSample'),
    ],
)
def test_a_breach_is_found(module, source):
    is_package = module == PACKAGE
    found = breaches({module: imports(source, module, is_package)})
    assert len(found) >= 1, 'no breach was found'
    assert all(module in line for line in found)


def test_a_breach_through_another_module_is_found():
    graph = {
        'mmt2ireid.evaluation.retrieval': {'mmt2ireid.evaluation.similarity'},
        'mmt2ireid.evaluation.similarity': {'mmengine.dist'},
    }
    assert breaches(graph) == [
        'mmt2ireid.evaluation.retrieval must be free of MMEngine, but '
        'mmt2ireid.evaluation.similarity imports mmengine.dist'
    ]


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('mmt2ireid.models.x', 'from mmt2ireid.structures import PairFeatures\nfrom mmt2ireid.text import Tokenizer'),
        ('mmt2ireid.models.heads.x', 'from .base_head import BaseHead\nfrom mmt2ireid import compat'),
        ('mmt2ireid.engine.x', 'from mmt2ireid.labeling import cluster\nfrom mmt2ireid.evaluation import retrieval'),
        ('mmt2ireid.apis.x', 'from mmt2ireid import __version__\nfrom mmt2ireid.engine import launch'),
        ('mmt2ireid.text.x', 'import torch\nfrom mmt2ireid.text.tokenizers import HFTokenizer'),
        ('mmt2ireid.text.x', 'from mmt2ireid.compat import write_atomically'),
        ('mmt2ireid.evaluation.retrieval', 'from mmt2ireid.evaluation.similarity import cosine'),
        ('mmt2ireid.evaluation.retrieval_metric', 'from mmengine.evaluator import BaseMetric'),
        ('mmt2ireid', 'from mmt2ireid import compat, registry\nfrom mmt2ireid.version import __version__'),
    ],
)
def test_what_is_allowed_is_no_breach(module, source):
    assert not breaches({module: imports(source, module, module == PACKAGE)})
