"""``model-index.yml``, metafiles, the methods' READMEs and the configs agree."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r'\]\(([^)#\s]+)(?:#[^)\s]*)?\)')
FIGURE = re.compile(r'\d')
TASK = 'Text-to-Image Person Re-identification'
METRICS = {'R1', 'R5', 'R10', 'mAP', 'mINP'}
DATE = re.compile(r'\b20\d\d-\d\d-\d\d\b')
SEEDS = re.compile(r'\bseeds?\b', re.IGNORECASE)
HARDWARE = re.compile(r'\b(CPU|GPU|H100|H200|A100|V100|RTX)', re.IGNORECASE)


@dataclass
class Section:
    """A heading of a README, with what stands below it up to the next one of any level."""

    title: str
    level: int
    lines: list[str] = field(default_factory=list)
    parents: tuple[int, ...] = ()


def sections(text: str) -> list[Section]:
    """A README by its headings."""
    found = [Section('', 0)]
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith('```')
        heading = None if fenced else re.match(r'(#+) (.*)', line)
        if heading:
            level = len(heading[1])
            above = [n for n, other in enumerate(found) if other.level < level]
            last = max((n for n in above), default=0)
            found.append(Section(heading[2], level, parents=(*found[last].parents, last)))
        else:
            found[-1].lines.append(line)
    return found


def tables(lines: list[str]) -> list[list[list[str]]]:
    """The tables among lines: rows of cells, the first row being the heads."""
    found: list[list[list[str]]] = []
    open_table = False
    for line in lines:
        if not line.startswith('|'):
            open_table = False
            continue
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        if not open_table:
            found.append([])
            open_table = True
        if not all(re.fullmatch(r':?-+:?', cell) for cell in cells):
            found[-1].append(cells)
    return found


def leaves(folder: Path) -> list[Path]:
    return sorted(folder.glob('*.py'))


def methods(root: Path) -> list[Path]:
    """The folders of the methods."""
    return sorted(path for path in (root / 'configs').iterdir() if path.is_dir() and path.name[0] not in '_.')


def check_index(root: Path) -> list[str]:
    """``model-index.yml`` imports every metafile, and nothing else."""
    imported = yaml.safe_load((root / 'model-index.yml').read_text())['Import']
    found = [f'model-index.yml imports {name} {imported.count(name)} times' for name in set(imported)
             if imported.count(name) > 1]  # fmt: skip
    wanted = {f'configs/{folder.name}/metafile.yml' for folder in methods(root)}
    found += [f'model-index.yml does not import {name}' for name in sorted(wanted - set(imported))]
    found += [f'model-index.yml imports {name}, which is not there' for name in imported if not (root / name).is_file()]
    for folder in methods(root):
        found += [f'configs/{folder.name} has no {name}' for name in ('README.md', 'metafile.yml')
                  if not (folder / name).is_file()]  # fmt: skip
    return found


def check_metafiles(root: Path) -> list[str]:
    """Every metafile has the fields that mim reads, and names configs and collections that are there."""
    found, names, collections = [], [], {}
    for path in sorted((root / 'configs').glob('*/metafile.yml')):
        where = str(path.relative_to(root))
        content = yaml.safe_load(path.read_text())
        for collection in content.get('Collections') or []:
            found += [f'{where}: a collection lacks {key}' for key in ('Name', 'Metadata', 'Paper', 'README')
                      if not collection.get(key)]  # fmt: skip
            metadata, paper = collection.get('Metadata') or {}, collection.get('Paper') or {}
            found += [
                f'{where}: Metadata lacks {key}' for key in ('Training Data', 'Architecture') if not metadata.get(key)
            ]
            found += [f'{where}: Paper lacks {key}' for key in ('Title', 'Venue') if not paper.get(key)]
            readme = collection.get('README', '')
            if not (root / readme).is_file():
                found.append(f'{where}: README {readme} is not there')
            elif paper.get('Title') and path.parent.name != 'toy' and not _names_paper(root / readme, paper):
                found.append(f'{where}: {readme} does not name the paper "{paper["Title"]}", {paper.get("Venue")}')
            if collection.get('Name') in collections:
                found.append(
                    f'{where}: the collection {collection["Name"]} is in {collections[collection["Name"]]} too'
                )
            collections[collection.get('Name')] = where
        for model in content.get('Models') or []:
            found += check_model(root, where, model, {entry.get('Name') for entry in content.get('Collections') or []})
            names.append(model.get('Name'))
    return found + [f'the model {name} is listed twice' for name in set(names) if names.count(name) > 1]


def _names_paper(readme: Path, paper: dict) -> bool:
    text = ' '.join(readme.read_text().replace('\n> ', ' ').split())
    return paper['Title'] in text and str(paper.get('Venue')) in text


def check_model(root: Path, where: str, model: dict, collections: set) -> list[str]:
    """A model has been measured: it names its config, its collection and its figures, and the README has them too."""
    name = model.get('Name')
    found = [
        f'{where}: {name} lacks {key}' for key in ('Name', 'In Collection', 'Config', 'Results') if not model.get(key)
    ]
    if found:
        return found
    if model['In Collection'] not in collections:
        found.append(f'{where}: {name} is in a collection {model["In Collection"]} that is not there')
    config = root / model['Config']
    if not config.is_file() or config.stem != name:
        found.append(f'{where}: {name} names the config {model["Config"]}')
    for result in model['Results']:
        lacking = [key for key in ('Task', 'Dataset', 'Metrics') if not result.get(key)]
        found += [f'{where}: a result of {name} lacks {key}' for key in lacking]
        if lacking:
            continue
        if result['Task'] != TASK or not set(result['Metrics']) <= METRICS:
            found.append(f'{where}: {name} has the task {result["Task"]} and metrics {sorted(result["Metrics"])}')
        row = [str(value) for key in ('R1', 'R5', 'R10', 'mAP', 'mINP') if (value := result['Metrics'].get(key))]
        text = (root / where).with_name('README.md').read_text()
        if not any(all(re.search(rf'\b{re.escape(value)}\b', line) for value in row) for line in text.splitlines()):
            found.append(f'{where}: no row of the README has the figures {" / ".join(row)} of {name}')
    return found


def check_readme(root: Path, folder: Path) -> list[str]:
    """A README links what is there, and names every config of its folder."""
    path = folder / 'README.md'
    if not path.is_file():
        return []  # said by check_index
    where, text = str(path.relative_to(root)), path.read_text()
    links = [link for link in LINK.findall(text) if not re.match(r'[a-z]+:', link)]
    found = [f'{where} links {link}, which is not there' for link in links if not (folder / link).exists()]
    for label, link in re.findall(r'\[([^\]]+)\]\(([^)#/\s]+)\.py\)', text):
        if re.fullmatch(r'[\w-]+', label) and re.search('[_-]', label) and label != link:
            found.append(f'{where} calls {link}.py {label}')
    named = {name for name in LINK.findall(text)} | set(re.findall(r'`([^`]*?)`', text))
    patterns = [
        re.compile(re.escape(name).replace(r'\*', '.*')) for name in named if '*' in name and name.endswith('.py')
    ]
    for leaf in leaves(folder):
        linked = leaf.name in named or (folder.name == 'toy' and re.search(rf'\b{leaf.stem}\b(?!-)', _readmes(root)))
        if not linked and not any(pattern.fullmatch(leaf.name) for pattern in patterns):
            found.append(f'{where} does not name {leaf.name}')
    return found + check_ours(where, text)


def _readmes(root: Path) -> str:
    """Twins may be named where their method is, or by the tool that runs them all."""
    texts = [path.read_text() for path in sorted((root / 'configs').glob('*/README.md'))]
    return '\n'.join([*texts, (root / 'tools' / 'toy_experiments.py').read_text()])


def check_ours(where: str, text: str) -> list[str]:
    """What we measured has, in its section or one above, when it was, with which seeds and on what.

    It stands in a column "ours", or in a table of metrics that has no column of a paper.
    """
    found, parts = [], sections(text)
    for part in parts:
        told = '\n'.join('\n'.join(other.lines) for other in [part, *(parts[n] for n in part.parents)])
        for table in tables(part.lines):
            heads = [head.lower() for head in table[0]]
            is_ours = re.compile(r'ours\b' if any('paper' in head for head in heads) else r'(ours|r1|map)\b')
            columns = [number for number, head in enumerate(heads) if is_ours.match(head)]
            measured = [
                row for row in table[1:] for column in columns if FIGURE.search(''.join(row[column : column + 1]))
            ]
            if measured:
                for what, pattern in (('date', DATE), ('seeds', SEEDS), ('hardware', HARDWARE)):
                    if not pattern.search(told):
                        found.append(f'{where}, "{part.title}": our figure {measured[0]} has no {what}')
            found += [f'{where}, "{part.title}": a row has {len(row)} cells, the head {len(heads)}'
                      for row in table[1:] if len(row) != len(heads)]  # fmt: skip
    return found


def disagreements(root: Path) -> list[str]:
    """All that does not agree, one line each."""
    found = check_index(root) + check_metafiles(root)
    for folder in methods(root):
        found += check_readme(root, folder)
    return found


def test_tables_metafiles_and_configs_agree():
    assert not disagreements(ROOT)


@pytest.fixture
def copy(tmp_path):
    """What the checker reads, to be broken."""
    shutil.copytree(ROOT / 'configs', tmp_path / 'configs', ignore=shutil.ignore_patterns('__pycache__', '.*'))
    for name in ('docs', 'tools', 'mmt2ireid'):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ('model-index.yml', 'README.md'):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


CMMT, TOY = 'configs/cmmt', 'configs/toy'
ROW = '[r50_cuhk](r50_cuhk.py) | 57.10 / 78.14 / 85.23 |  |'


@pytest.mark.parametrize(
    ('file', 'old', 'new', 'said'),
    [
        ('model-index.yml', '  - configs/cmmt/metafile.yml\n', '', 'does not import configs/cmmt/metafile.yml'),
        ('model-index.yml', 'cmmt/metafile', 'cmt/metafile', 'imports configs/cmt/metafile.yml, which is not there'),
        (f'{CMMT}/metafile.yml', '    README: configs/cmmt/README.md\n', '', 'a collection lacks README'),
        (f'{CMMT}/metafile.yml', 'configs/cmmt/README.md', 'configs/cmt.md', 'README configs/cmt.md is not there'),
        (f'{CMMT}/metafile.yml', '      Venue: ICCV 2021\n', '', 'Paper lacks Venue'),
        (f'{CMMT}/metafile.yml', 'Weakly Supervised', 'Fully Supervised', 'does not name the paper'),
        (f'{CMMT}/metafile.yml', 'Name: CMMT', 'Name: UniPT', 'the collection UniPT is in'),
        (f'{TOY}/metafile.yml', 'Config: configs/toy/unipt_vit_toy.py', 'Config: configs/toy/x.py', 'names the config'),
        (f'{TOY}/metafile.yml', 'In Collection: UniPT on', 'In Collection: X on', 'that is not there'),
        (f'{TOY}/metafile.yml', 'R1: 62.8', 'R1: 62.9', 'no row of the README has the figures 62.9'),
        (f'{TOY}/metafile.yml', '{R1: 62.8', '{Rank1: 62.8', 'metrics'),
        (f'{CMMT}/README.md', '(r50_cuhk_te-cpm.py)', '(r50_cuhk_tecpm.py)', 'links r50_cuhk_tecpm.py, which is not'),
        (f'{CMMT}/README.md', '(r50_cuhk_te-cpm.py)', '(r50_cuhk_te-cpm.md)', 'does not name r50_cuhk_te-cpm.py'),
        (f'{CMMT}/README.md', '(r50_cuhk_te-cpm.py)', '(r50_cuhk_ve-cpm.py)', 'calls r50_cuhk_ve-cpm.py r50'),
        (f'{CMMT}/README.md', ROW, ROW.replace('|  |', '| 57.2 |'), 'has no date'),
        (f'{CMMT}/README.md', ROW, ROW.replace('|  |', '| 57.2 |') + '\nOn 2026-12-01, one H100.\n', 'has no seeds'),
        (f'{CMMT}/README.md', ROW, ROW.replace(' |  |', ' |'), 'cells, the head'),
        (f'{TOY}/README.md', '../unipt/README.md#pseudo', '../unipt/READ.md#pseudo', 'links ../unipt/READ.md, which'),
        (f'{TOY}/README.md', '2026-11-22', 'today', 'has no date'),
    ],
)  # fmt: skip
def test_a_disagreement_is_found(copy, file, old, new, said):
    edit(copy / file, old, new)
    assert any(said in line for line in disagreements(copy)), disagreements(copy)


def test_a_new_config_and_a_new_folder_have_to_be_named(copy):
    (copy / CMMT / 'r50_cuhk_new.py').write_text('# new\n')
    (copy / 'configs' / 'mine').mkdir()
    found = disagreements(copy)
    assert 'configs/cmmt/README.md does not name r50_cuhk_new.py' in found
    assert 'model-index.yml does not import configs/mine/metafile.yml' in found
    assert {'configs/mine has no README.md', 'configs/mine has no metafile.yml'} <= set(found)
