"""The figures of a caption file, and of its accuracy, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_NUM_WORDS = 30
_NUM_PHRASES = 6
_NUM_EXAMPLES = 2


def statistics_markdown(summary: Mapping[str, Any], *, title: str, pictures: Mapping[str, str] | None = None) -> str:
    """Lays the counts of a caption file out.

    Args:
        summary: of :meth:`~mmt2ireid.pseudo_text.analysis.statistics.CaptionStatistics.summary`; if known,
            ``unreadable``, a number of images, and ``complete``, whether the run that writes the captions is finished.
        title: the headline.
        pictures: file per caption, to be shown.

    Returns:
        Markdown, with a line end at its end.
    """
    unfinished = '' if summary.get('complete', True) else 'The run that writes these captions is not finished.'
    parts = [f'# {title}', unfinished, _counts(summary), _lengths(summary['length'])]
    parts.append(_vocabulary(summary['vocabulary']))
    parts.append(_attributes(summary))
    parts.append(_defects(summary['defects']))
    parts += [f'![{caption}]({file})' for caption, file in (pictures or {}).items()]
    return '\n\n'.join(part for part in parts if part) + '\n'


def accuracy_markdown(report: Mapping[str, Any]) -> str:
    """Lays the accuracy of the attributes out.

    Args:
        report: of :meth:`~mmt2ireid.pseudo_text.analysis.accuracy_tally.AccuracyTally.report`.

    Returns:
        Markdown, with a line end at its end.
    """
    parts = ['## Accuracy of the attributes', _compared(report)]
    if report['required']:
        parts += [_required_table(report['required']), _confusion_table(report['required'])]
    if report['optional']:
        parts += [
            'Optional attributes: found at all, and found with the right phrase.',
            _optional_table(report['optional']),
        ]
    return '\n\n'.join(part for part in parts if part) + '\n'


def markdown_rows(head: Sequence[str], rows: Iterable[Sequence[Any]], *, words: int = 1) -> str:
    """A Markdown table.

    Args:
        head: names of the columns.
        rows: cells; None becomes a dash, shares (floats) per cent with one digit.
        words: so many columns at the left are flush left, the others flush right.
    """
    rule = [':---' if number < words else '---:' for number in range(len(head))]
    lines = [head, rule, *([_cell(cell) for cell in row] for row in rows)]
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in lines)


def _cell(value: Any) -> str:
    if value is None:
        return '\N{EN DASH}'
    if isinstance(value, float):
        return f'{100 * value:.1f} %'
    if isinstance(value, int):
        return f'{value:,}'
    return str(value).replace('|', '\\|').replace('\n', ' ')


def _number(value: float | None) -> str | None:
    return None if value is None else f'{value:.2f}'


def _counts(summary: Mapping[str, Any]) -> str:
    rows: list[Sequence[Any]] = [
        ('images', summary['images']),
        ('texts', summary['texts']),
        ('distinct texts', summary['distinct_texts']),
        ('texts per image', _number(summary['texts_per_image'])),
        ('words per text', _number(summary['length']['mean'])),
        ('words in all', summary['length']['total']),
        ('vocabulary', summary['vocabulary']['size']),
        ('texts with a defect', summary['defects']['captions']),
    ]
    if summary['rows'] != summary['images']:
        rows.insert(1, ('rows (images listed again count again)', summary['rows']))
    if summary.get('unreadable'):
        rows.insert(1, ('images that could not be read', summary['unreadable']))
    if summary['rows_without_caption']:
        rows.insert(1, ('rows without a text', summary['rows_without_caption']))
    return markdown_rows(('', 'count'), rows)


def _lengths(length: Mapping[str, Any]) -> str:
    if length['mean'] is None:
        return ''
    names = ('min', *(f'{q} %' for q in length['percentiles']), 'max', 'mean')
    cells = (length['min'], *length['percentiles'].values(), length['max'], _number(length['mean']))
    return f'## Words per text\n\n{markdown_rows(names, [cells], words=0)}'


def _vocabulary(vocabulary: Mapping[str, Any]) -> str:
    words = ', '.join(f'{word} {count:,}' for word, count in vocabulary['frequent'][:_NUM_WORDS])
    return f'## Most frequent words\n\nWithout stop words: {words}.' if words else ''


def _attributes(summary: Mapping[str, Any]) -> str:
    optional = summary['optional']
    if optional is None:
        return '## Attributes\n\nThe file tells of no attributes.'
    parts = ['## Optional attributes', _optional_line(optional)]
    if optional['attributes']:
        rows = [
            (name, item['count'], item['share_of_images'], item['share_of_optional'])
            for name, item in optional['attributes'].items()
        ]
        parts.append(markdown_rows(('attribute', 'images', 'share of images', 'share of all found'), rows))
    rows_of = summary['attributes']['rows']
    phrases = [
        (name, _common(counts, rows_of), len(counts)) for name, counts in summary['attributes']['phrases'].items()
    ]
    table = markdown_rows(('attribute', 'most frequent phrases', 'phrases in use'), phrases, words=2)
    return '\n\n'.join([*parts, '## Phrases', table])


def _optional_line(optional: Mapping[str, Any]) -> str:
    line = f'Found {optional["total"]:,} times in all, at least one in {optional["rows_with_any"]:,} images.'
    for group in ('top_four', 'paper_top_four'):
        share, names = optional[group]['share_of_optional'], optional[group]['names']
        if share is not None and names and (group == 'top_four' or set(names) != set(optional['top_four']['names'])):
            line += f' {", ".join(names)}: {_cell(share)} of them.'
    return line + (
        ' (LUPerson-T in the paper, of 1.3M images: 580,257 times; bag in about 38 % of the images; bag, cellphone, '
        'glasses and hat 94 %.)'
    )


def _common(counts: Mapping[str, int], rows: int) -> str:
    listed = list(counts.items())[:_NUM_PHRASES]
    return ', '.join(f'{phrase} {_cell(count / rows)}' for phrase, count in listed)


def _defects(defects: Mapping[str, Any]) -> str:
    if not defects['captions']:
        return '## Defects\n\nNone found.'
    rows = [(kind, item['captions']) for kind, item in defects['kinds'].items()]
    examples = [
        f'- {example["defect"]} ({example["image_id"]}): “{example["caption"]}”'
        for item in defects['kinds'].values()
        for example in item['examples'][:_NUM_EXAMPLES]
    ]
    line = f'{defects["captions"]:,} texts, {_cell(defects["share"])} of all.'
    return '\n\n'.join(['## Defects', line, markdown_rows(('kind', 'texts'), rows), '\n'.join(examples)])


def _compared(report: Mapping[str, Any]) -> str:
    line = f'{report["rows"]:,} images were compared with their true attributes.'
    if report['rows_without_truth']:
        line += f' {report["rows_without_truth"]:,} have no known truth.'
    if report['truth_without_row']:
        line += f' {report["truth_without_row"]:,} images of the truth have no caption here.'
    if report['missing']:
        line += f' The truth lacks {_listed(report["missing"])}.'
    for name, phrases in report['unknown'].items():
        line += f' Of {name}, the catalogue lacks these true phrases, which count as wrong: {_listed(phrases)}.'
    return line


def _listed(counts: Mapping[str, int]) -> str:
    return ', '.join(f'{text} ({count:,})' for text, count in counts.items())


def _required_table(required: Mapping[str, Any]) -> str:
    rows = []
    for name, score in required.items():
        for label, choice in [(name, score['phrase']), *((f'{name}: {p}', s) for p, s in score['parts'].items())]:
            rows.append((label, choice['accuracy'], choice['majority_share'], choice['majority'], choice['support']))
    return markdown_rows(('required attribute', 'accuracy', 'always the commonest', 'which is', 'images'), rows)


def _confusion_table(required: Mapping[str, Any]) -> str:
    rows = []
    for name, score in required.items():
        for part, confusions in score['confusions'].items():
            told = ', '.join(f'{true} → {chosen or "nothing"} {count:,}' for true, chosen, count in confusions[:5])
            rows.append((f'{name}: {part}' if part else name, told or None))
    return markdown_rows(('required attribute', 'true → chosen, most frequent confusions'), rows, words=2)


def _optional_table(optional: Mapping[str, Any]) -> str:
    head = ('optional attribute', 'images with it', 'found', 'precision', 'recall', 'F1')
    rows = []
    for name, score in optional.items():
        found, phrase = score['at_all'], score['phrase']
        cells = [found[key] for key in ('support', 'found', 'precision', 'recall', 'f1')]
        rows.append((name, *cells, *(phrase[key] for key in ('precision', 'recall', 'f1'))))
    return markdown_rows((*head, 'precision, phrase', 'recall, phrase', 'F1, phrase'), rows)
