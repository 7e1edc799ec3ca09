"""Says what is installed, what is missing, and what does not go together.

    python tools/check_env.py
    python tools/check_env.py --no-imports --json report.json

Exit status: 0 fine (there may be warnings and notes), 1 something is missing or broken, 2 the call was wrong.
It imports nothing of the package: where the package cannot be imported, this is the tool that says why.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

NAME = 'mmt2ireid'
CHECKOUT = Path(__file__).resolve().parents[1]
KNOWN_BAD = Path(__file__).with_name('known_bad_versions.json')
SEVERITIES = ('error', 'warning', 'note')
MODULES = ('torch', 'torchvision', 'cv2', 'mmengine', 'mmcv', 'transformers', f'{NAME}.datasets', f'{NAME}.models')
PROBE = """
import importlib, json, sys
for name in sys.argv[1:]:
    print('@' + json.dumps({'trying': name}), flush=True)
    try:
        importlib.import_module(name)
    except BaseException as error:
        print('@' + json.dumps({'failed': name, 'why': f'{type(error).__name__}: {error}'[:500]}), flush=True)
try:
    import torch
    cards = [torch.cuda.get_device_properties(n) for n in range(torch.cuda.device_count())]
    cards = [{'name': card.name, 'gib': round(card.total_memory / 2**30, 1)} for card in cards]
    gpu = {'cuda': torch.version.cuda, 'cards': cards, 'bfloat16': bool(cards) and torch.cuda.is_bf16_supported()}
except Exception as error:
    gpu = {'error': f'{type(error).__name__}: {error}'[:500]}
print('@' + json.dumps({'gpu': gpu}), flush=True)
"""


class Finding(NamedTuple):
    """One thing that was found: how bad, its name, what is wrong, what to do."""

    severity: str
    code: str
    message: str
    advice: str = ''


def plain(name: str) -> str:
    return re.sub(r'[-_.]+', '-', name).lower()


def installed_versions() -> dict[str, str]:
    """Every distribution and its version; with two of a name, the first on the path counts."""
    found: dict[str, str] = {}
    for dist in metadata.distributions():
        name = dist.metadata['Name'] if dist.metadata else None
        if name:
            found.setdefault(plain(name), dist.version)
    return found


def split_requirements(requires: Sequence[str]) -> dict[str, list[str]]:
    """Requirements of a distribution by extra; '' for those that are always needed."""
    found: dict[str, list[str]] = {'': []}
    for line in requires:
        text, _, marker = line.partition(';')
        extra = re.search(r'extra\s*==\s*[\'"]([^\'"]+)[\'"]', marker)
        found.setdefault(extra[1] if extra else '', []).append(text.strip())
    return found


def declared() -> tuple[dict[str, list[str]], list[Finding]]:
    """What the package asks for: by the checkout, which may be newer than the install, or else by its metadata."""
    try:
        noted = split_requirements(metadata.requires(NAME) or [])
    except metadata.PackageNotFoundError:
        noted = {}
    folder = CHECKOUT / 'requirements'
    findings = []
    if not noted:
        findings.append(Finding('warning', 'not-installed', f'{NAME} is not installed', f'pip install -e {CHECKOUT}'))
    if not folder.is_dir():
        return noted, findings
    lists = {file.stem: file.read_text().split() for file in sorted(folder.glob('*.txt'))}
    wanted = {'': lists.pop('runtime', []) + lists.pop('mmcv', []), **lists}
    if noted and _differ(noted, wanted):
        message = f'the installed {NAME} is older than the checkout: it asks for other packages'
        findings.append(Finding('warning', 'stale-install', message, f'pip install -e {CHECKOUT}'))
    return wanted, findings


def _differ(one: dict[str, list[str]], other: dict[str, list[str]]) -> bool:
    def names(lists: dict[str, list[str]]) -> dict[str, list[str]]:
        return {extra: sorted(re.sub(r'\s', '', line) for line in lines) for extra, lines in lists.items()}

    return names(one) != names(other)


def fits(version: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(version, prereleases=True)


def check_requirement(line: str, installed: Mapping[str, str]) -> str:
    """'' if a requirement is met, else what is there instead."""
    name, wanted = re.match(r'([\w.-]+)(?:\[[^\]]*\])?\s*(.*)', line).groups()  # type: ignore[union-attr]
    name = plain(name)
    if name == 'mmcv-lite' and name not in installed:
        name = 'mmcv'  # whoever has the full one keeps it
    if name not in installed:
        return 'missing'
    return '' if fits(installed[name], wanted.strip('() ')) else installed[name]


def check_packages(lists: Mapping[str, Sequence[str]], installed: Mapping[str, str]) -> list[Finding]:
    """What is missing or of the wrong version, and which extra brings what is optional."""
    findings = []
    for extra, lines in lists.items():
        wrong = {line: state for line in lines if (state := check_requirement(line, installed))}
        for line, state in wrong.items():
            told = f'{line} is needed, but {"it is missing" if state == "missing" else f"{state} is installed"}'
            if not extra:
                findings.append(Finding('error', 'required', told, f"pip install '{line}'"))
            else:
                message = f'optional: {told} ({NAME}[{extra}])'
                findings.append(Finding('note', 'optional', message, f"pip install '{NAME}[{extra}]'"))
    return findings


def check_pairs(installed: Mapping[str, str]) -> list[Finding]:
    """Versions that are known not to go together: ``when`` maps packages to ranges, '' for any version."""
    found = []
    for pair in json.loads(KNOWN_BAD.read_text()):
        when = pair.pop('when')
        if all(name in installed and (not wanted or fits(installed[name], wanted)) for name, wanted in when.items()):
            found.append(Finding(**pair))
    return found + check_torchvision(installed, _requires('torchvision'))


def _requires(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def check_torchvision(installed: Mapping[str, str], requires: Sequence[str]) -> list[Finding]:
    """Every torchvision is compiled for one torch, for CPUs or for one CUDA."""
    torch, vision = installed.get('torch'), installed.get('torchvision')
    if not torch or not vision:
        return []
    advice = 'Install both in one command, for your CUDA version: see pytorch.org'
    for line in split_requirements(requires)['']:
        if re.match(r'torch\b(?!-)', line) and check_requirement(line, installed):
            message = f'torchvision {vision} is made for {line}, but torch {torch} is installed'
            return [Finding('error', 'torch-torchvision', message, advice)]
    builds = [version.partition('+')[2] for version in (torch, vision)]
    if all(builds) and builds[0] != builds[1]:
        message = f'torch {torch} and torchvision {vision} are builds for different devices'
        return [Finding('error', 'torch-torchvision', message, advice)]
    return []


def probe_imports(modules: Sequence[str], run: Callable = subprocess.run) -> tuple[list[Finding], dict[str, Any]]:
    """Imports modules in a process of its own, which may crash, and asks torch for GPUs."""
    command = [sys.executable, '-c', PROBE, *modules]
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get('PYTHONPATH')]))
    done = run(command, capture_output=True, text=True, env={**os.environ, 'PYTHONPATH': path})
    findings: list[Finding] = []
    gpu: dict[str, Any] = {}
    last = ''
    for line in done.stdout.splitlines():
        told = json.loads(line[1:]) if line.startswith('@{') else {}
        last = told.get('trying', last)
        gpu = told.get('gpu', gpu)
        if 'failed' in told:
            findings.append(Finding('error', 'import', f'{told["failed"]}: {told["why"]}', import_advice(told['why'])))
    if done.returncode:
        message = f'Python died when it imported {last or "nothing yet"} (status {done.returncode})'
        findings.append(Finding('error', 'import', message, f'Try python -X faulthandler -c "import {last}"'))
    return findings, gpu


def import_advice(why: str) -> str:
    if 'libGL' in why or 'libgthread' in why or 'libxcb' in why:
        return 'OpenCV lacks system libraries; on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0 libxcb1'
    if 'torchvision::nms' in why or 'undefined symbol' in why:
        return 'torch and what was compiled for it do not fit: install torch and torchvision in one command'
    return 'Install it again; the message above says what it lacks'


def check_gpu(gpu: Mapping[str, Any], has_driver: bool) -> list[Finding]:
    """Why a GPU would not be used."""
    if 'error' in gpu:
        return [Finding('warning', 'gpu', f'torch cannot say which GPUs there are: {gpu["error"]}', 'Check the driver')]
    if not gpu or gpu['cards']:
        return []
    if has_driver and not gpu['cuda']:
        advice = 'Install torch for your CUDA version: see pytorch.org'
        return [Finding('warning', 'gpu', 'there is an NVIDIA driver, but torch is a build for CPUs', advice)]
    if has_driver:
        message = f'there is an NVIDIA driver, but torch (CUDA {gpu["cuda"]}) finds no GPU'
        return [
            Finding('warning', 'gpu', message, 'Is CUDA_VISIBLE_DEVICES set? Is the driver too old? See nvidia-smi')
        ]
    return [Finding('note', 'gpu', 'no GPU: training runs on the CPU', 'configs/toy are made for that')]


def check_tagger(installed: Mapping[str, str]) -> list[Finding]:
    """NLTK without its data is no error: a tagger of our own takes its place."""
    if 'nltk' not in installed:
        return []
    try:
        import nltk

        nltk.data.find('taggers/averaged_perceptron_tagger_eng/')
    except LookupError:
        advice = 'python -m nltk.downloader averaged_perceptron_tagger_eng; without it, a tagger of ours is used'
        return [Finding('note', 'nltk-data', "NLTK's tagger has no data here", advice)]
    except Exception as error:  # a broken install says anything
        return [Finding('warning', 'import', f'nltk: {type(error).__name__}: {error}', 'Install it again')]
    return []


def examine(imports: bool = True) -> dict[str, Any]:
    """Everything: versions, extras, GPUs and findings, for JSON."""
    installed = installed_versions()
    lists, findings = declared()
    gpu: dict[str, Any] = {}
    if 'packaging' in installed:
        findings += check_packages(lists, installed) + check_pairs(installed)
    else:
        findings.append(Finding('error', 'required', 'versions cannot be compared', 'pip install packaging'))
    if imports:
        found, gpu = probe_imports(MODULES)
        findings += found + check_gpu(gpu, shutil.which('nvidia-smi') is not None) + check_tagger(installed)
    names = {plain(re.split(r'[^\w.-]', line)[0]) for lines in lists.values() for line in lines}
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return dict(
        python=platform.python_version(),
        platform=platform.platform(),
        cpus=os.cpu_count(),
        gpu=gpu,
        versions={name: installed.get(name) for name in sorted(names | {'mmcv', 'opencv-python'})},
        extras={extra: sorted(lines) for extra, lines in lists.items() if extra},
        ok=not any(finding.severity == 'error' for finding in findings),
        findings=[finding._asdict() for finding in findings],
    )


def to_text(report: Mapping[str, Any]) -> str:
    """The report for people."""
    lines = [f'Python {report["python"]} on {report["platform"]}, {report["cpus"]} CPU cores']
    lines += [f'GPU: {card["name"]}, {card["gib"]} GiB' for card in report['gpu'].get('cards', [])]
    lines += [f'  {name:22}{version or "-"}' for name, version in report['versions'].items()]
    for finding in report['findings']:
        lines += ['{severity}: {code}: {message}'.format(**finding), f'    -> {finding["advice"]}']
    numbers = {name: sum(finding['severity'] == name for finding in report['findings']) for name in SEVERITIES}
    told = ', '.join(f'{number} {name}s' for name, number in numbers.items())
    return '\n'.join([*lines, f'{"fine" if report["ok"] else "not fine"}: {told}'])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--no-imports', action='store_true', help='import nothing: versions only, and no GPU')
    parser.add_argument('--json', metavar='FILE', help='write the report to this file; - prints it, and nothing else')
    args = parser.parse_args(argv)
    report = examine(imports=not args.no_imports)
    print(to_text(report), file=sys.stderr if args.json == '-' else sys.stdout)
    if args.json == '-':
        print(json.dumps(report, indent=2))
    elif args.json:
        write_whole(Path(args.json), json.dumps(report, indent=2))
    return int(not report['ok'])


def write_whole(path: Path, content: str) -> None:
    """Whole or not at all; the package's own function needs the package."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        temp.write_text(content)
        os.replace(temp, path)
    finally:
        temp.unlink(missing_ok=True)


if __name__ == '__main__':
    if hasattr(signal, 'SIGPIPE'):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it as it ends any command
    sys.exit(main())
