"""Which entry of a published checkpoint goes where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rule:
    r"""What becomes of some entries.

    Attributes:
        pattern: regular expression that the whole key must match.
        target: our key, with ``\1`` for the pattern's groups; '' where the entry is not needed.
        reason: why it is not needed.
    """

    pattern: str
    target: str = ''
    reason: str = ''

    def __post_init__(self) -> None:
        if bool(self.target) == bool(self.reason):
            raise ValueError(
                f'A rule must have a target or a reason, but {self.pattern!r} got {self.target!r} and {self.reason!r}'
            )


@dataclass(frozen=True)
class Advice:
    """What to do about an entry of ours that is missing or of another shape.

    Attributes:
        pattern: regular expression that the whole key must match.
        text: in words; ``{0}`` to ``{3}`` are the sizes that the file has.
    """

    pattern: str
    text: str


@dataclass(frozen=True)
class Routes:
    """Where the entries of a file go.

    Attributes:
        mapped: published key to ours.
        unneeded: published key to the reason.
        unknown: published keys that no rule names.
    """

    mapped: dict[str, str] = field(default_factory=dict)
    unneeded: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def find_routes(keys: Iterable[str], rules: Sequence[Rule], own: Iterable[str]) -> Routes:
    """Applies the first rule that fits to every key.

    Args:
        keys: of the published file.
        rules: in order.
        own: the model's keys. An entry of a head that the model does not have at all is not needed.

    Returns:
        Their routes.

    Raises:
        ValueError: two entries go to the same place.
    """
    routes = Routes()
    heads = {head_of(key) for key in own}
    compiled = [(re.compile(rule.pattern), rule) for rule in rules]
    for key in keys:
        match, rule = next(
            ((match, rule) for pattern, rule in compiled if (match := pattern.fullmatch(key))), (None, None)
        )
        if match is None or rule is None:
            routes.unknown.append(key)
        elif rule.reason:
            routes.unneeded[key] = rule.reason
        else:
            target = match.expand(rule.target)
            head = head_of(target)
            if head and head not in heads:
                routes.unneeded[key] = f'the config has no {head}'
            elif target in routes.mapped.values():
                raise ValueError(f'{key} and another entry of the file both stand for {target}')
            else:
                routes.mapped[key] = target
    return routes


def head_of(key: str) -> str:
    """``heads.irr`` of ``heads.irr.decoder.weight``; '' where a key is of no head."""
    names = key.split('.')
    return '.'.join(names[:2]) if names[0] == 'heads' and len(names) > 2 else ''


def advise(advice: Iterable[Advice], key: str, shape: Sequence[int] = ()) -> str:
    """What to do about one of our keys, '' where there is no advice.

    Args:
        advice: all that there is.
        key: ours.
        shape: of the file's entry; () where it is missing.
    """
    sizes = (*shape, *'????')[:4]
    return next((entry.text.format(*sizes) for entry in advice if re.fullmatch(entry.pattern, key)), '')
