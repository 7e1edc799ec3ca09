"""Installs mmt2ireid; ``pip install -e .[tests]`` for development."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
MIM_PARTS = ('configs', 'tools', 'model-index.yml')


class BuildWithMim(build_py):
    """Puts configs and tools where ``mim`` looks for them: ``mmt2ireid/.mim``.

    A wheel gets copies. An editable install (PEP 660) gets links in the checkout, so that edits count.
    """

    def run(self) -> None:
        """Builds the package, then adds its ``.mim``."""
        super().run()
        editable = getattr(self, 'editable_mode', False)
        mim = (ROOT if editable else Path(self.build_lib)) / 'mmt2ireid' / '.mim'
        mim.mkdir(parents=True, exist_ok=True)
        for name in MIM_PARTS:
            self._place(ROOT / name, mim / name, link=editable)

    @staticmethod
    def _place(source: Path, target: Path, *, link: bool) -> None:
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.is_dir():
            shutil.rmtree(target)
        if link:
            target.symlink_to(Path('..', '..', source.name))
        elif source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__', '*.py[cod]', '.*'))
        else:
            shutil.copy2(source, target)


def requirements(name: str) -> list:
    """Requirements of ``requirements/NAME.txt``."""
    return (ROOT / 'requirements' / f'{name}.txt').read_text().split()


def version() -> str:
    """Version, read without importing the package."""
    text = (ROOT / 'mmt2ireid' / 'version.py').read_text()
    return re.search(r"__version__ = '(.+)'", text).group(1)


setup(
    name='mmt2ireid',
    version=version(),
    description='Text-to-image person re-identification in the OpenMMLab family',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmt2ireid', 'mmt2ireid.*']),
    package_data={'mmt2ireid': ['py.typed', 'pseudo_text/data/*.yaml', 'text/data/*.yaml']},
    python_requires='>=3.10',
    install_requires=requirements('runtime') + requirements('mmcv'),
    extras_require={
        'timm': requirements('timm'),
        'clip': requirements('clip'),
        'lmdb': requirements('lmdb'),
        'analysis': requirements('analysis'),
        'cmmt': requirements('cmmt'),
        'faiss': requirements('faiss'),
        'lora': requirements('lora'),
        'demo': requirements('demo'),
        'gallery': requirements('gallery'),
        'export': requirements('export'),
        'people': requirements('people'),
        'tests': requirements('tests'),
    },
    cmdclass={'build_py': BuildWithMim},
)
