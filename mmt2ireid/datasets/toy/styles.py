"""How the people who describe a domain speak: their words, what they leave out, how they build a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Choice = Mapping[str, float]

# What every speaker may say for a notion, with weights; a style's own words replace the entry.
WORDS: dict[str, Choice] = {
    'child man': {'boy': 5, 'young boy': 3, 'little boy': 2},
    'child woman': {'girl': 5, 'young girl': 3, 'little girl': 2},
    'young man': {'young man': 5, 'man': 5},
    'young woman': {'young woman': 5, 'woman': 5},
    'middle-aged man': {'man': 6, 'middle-aged man': 4},
    'middle-aged woman': {'woman': 6, 'middle-aged woman': 4},
    'elderly man': {'old man': 5, 'elderly man': 4, 'man': 1},
    'elderly woman': {'old woman': 5, 'elderly woman': 4, 'woman': 1},
    't-shirt': {'t-shirt': 1}, 'shirt': {'shirt': 1}, 'sweater': {'sweater': 1}, 'hoodie': {'hoodie': 1},
    'jacket': {'jacket': 1}, 'wind coat': {'coat': 3, 'long coat': 3, 'wind coat': 1},
    'vest': {'vest': 1, 'sleeveless top': 1}, 'suit': {'suit jacket': 1},
    'pants': {'pants': 4, 'trousers': 1}, 'jeans': {'jeans': 1}, 'sports pants': {'sports pants': 3, 'track pants': 1},
    'leggings': {'leggings': 1}, 'shorts': {'shorts': 1}, 'skirt': {'skirt': 3, 'short skirt': 2},
    'long skirt': {'long skirt': 1},
    'gray': {'gray': 1}, 'beige': {'beige': 1}, 'purple': {'purple': 1}, 'blond': {'blond': 1},
    'hair red': {'red': 1}, 'medium': {'shoulder-length': 2, 'medium-length': 1},
    'plain': {'': 8, 'plain ': 1},
    'striped': {'striped': 1}, 'stripes': {'stripes': 1}, 'checks': {'checks': 1},
    'plaid': {'plaid': 3, 'checkered': 1},
    'dotted': {'dotted': 2, 'polka dot': 1}, 'dots': {'dots': 1}, 'color block': {'two-tone': 1, 'color block': 1},
    'shoulders': {'across the shoulders': 1, 'at the top': 1},
    'shoes': {'shoes': 1},
    'backpack': {'backpack': 1}, 'handbag': {'handbag': 1}, 'shoulder bag': {'shoulder bag': 1},
    'suitcase': {'suitcase': 1},
    'glasses': {'glasses': 1}, 'sunglasses': {'sunglasses': 1},
    'cap': {'cap': 1}, 'hat': {'hat': 1}, 'beanie': {'beanie': 2, 'knit hat': 1}, 'helmet': {'helmet': 1},
    'phone': {'phone': 1, 'cellphone': 1}, 'umbrella': {'umbrella': 1}, 'gloves': {'gloves': 1},
    'bicycle': {'bicycle': 1, 'bike': 1}, 'scooter': {'scooter': 2, 'motor scooter': 1},
    'standing': {'standing': 1}, 'walking': {'walking': 1}, 'running': {'running': 1}, 'waving': {'waving': 1},
}  # fmt: skip


@dataclass(frozen=True)
class Style:
    """The manner of a domain's captions.

    Attributes:
        words: overrides of ``WORDS``.
        keep: probability with which a fact is mentioned when it is there to be seen; facts are ``hair``,
            ``hair colour``, ``second colour``, ``action``, ``direction``, ``lower``, ``shoes``, ``bag``,
            ``bag colour``, ``hat``, ``glasses``, ``gloves``, ``smoke``, ``phone``.
        wear: verbs of wearing, as (finite, participle) joined by ``|``.
        carry: the same for carrying.
        determiner: of the first noun.
        opening: how the first sentence begins: ``subject``, ``fronted`` (Wearing ..., the man ...), ``there``
            (There is a man who ...) or ``this`` (This is a man ...).
        first: clause that comes first: ``clothes``, ``hair``, ``action`` or ``any``.
        per_sentence: how many clauses go into a sentence, with weights (keys ``1``, ``2``, ``3``).
        progressive: probability of ``is walking`` over ``walks``.
        aside: probability that a small thing gets a sentence of its own (``His shoes are white.``).
    """

    words: Mapping[str, Choice]
    keep: Mapping[str, float]
    wear: Choice
    carry: Choice
    determiner: Choice
    opening: Choice
    first: Choice
    per_sentence: Choice
    progressive: float
    aside: float


STYLES: dict[str, Style] = {
    'pool': Style(
        words={'shoulders': {'across the shoulders': 1}},
        keep={
            'hair': 0.6, 'hair colour': 0.55, 'second colour': 0.35, 'action': 0.6, 'direction': 0.1, 'lower': 1.0,
            'shoes': 0.2, 'bag': 0.95, 'bag colour': 0.7, 'hat': 0.95, 'glasses': 0.85, 'gloves': 0.7, 'smoke': 0.8,
            'phone': 0.9,
        },
        wear={'wears|wearing': 5, 'is wearing|wearing': 3, 'is dressed in|dressed in': 1},
        carry={'carries|carrying': 5, 'is carrying|carrying': 2, 'has|having': 0.5},
        determiner={'a': 6, 'the': 4},
        opening={'subject': 9, 'fronted': 1},
        first={'clothes': 3, 'action': 3, 'hair': 2, 'any': 1},
        per_sentence={'1': 3, '2': 5, '3': 2},
        progressive=0.7,
        aside=0.2,
    ),
    'main': Style(
        words={
            'young man': {'man': 6, 'guy': 3, 'young man': 2, 'male': 1},
            'young woman': {'woman': 6, 'lady': 3, 'young woman': 2, 'female': 1},
            'middle-aged man': {'man': 7, 'middle-aged man': 2, 'gentleman': 2},
            'middle-aged woman': {'woman': 6, 'lady': 4, 'middle-aged woman': 2},
            'elderly man': {'old man': 4, 'older man': 3, 'elderly man': 3},
            'elderly woman': {'old woman': 3, 'older lady': 3, 'elderly woman': 3},
            'child man': {'boy': 6, 'little boy': 4, 'small child': 1},
            'child woman': {'girl': 6, 'little girl': 4, 'small child': 1},
            't-shirt': {'t-shirt': 5, 'tee': 3, 'short-sleeved top': 2}, 'sweater': {'sweater': 5, 'pullover': 4},
            'hoodie': {'hoodie': 5, 'hooded sweatshirt': 3}, 'wind coat': {'coat': 4, 'long coat': 4, 'overcoat': 2},
            'vest': {'sleeveless top': 4, 'tank top': 3, 'vest': 3}, 'suit': {'suit jacket': 4, 'blazer': 4},
            'jacket': {'jacket': 8, 'open jacket': 1},
            'pants': {'pants': 5, 'trousers': 5}, 'sports pants': {'track pants': 5, 'sports pants': 4},
            'shirt': {'shirt': 6, 'button-up shirt': 3}, 'gray': {'grey': 6, 'gray': 4},
            'beige': {'beige': 5, 'tan': 3}, 'purple': {'purple': 7, 'violet': 2}, 'blond': {'blonde': 6, 'blond': 3},
            'plaid': {'plaid': 4, 'checkered': 5}, 'dotted': {'polka dot': 5, 'dotted': 4, 'spotted': 1},
            'handbag': {'handbag': 5, 'purse': 4},
            'phone': {'phone': 6, 'mobile phone': 3}, 'bicycle': {'bike': 6, 'bicycle': 4},
            'backpack': {'backpack': 8, 'rucksack': 1}, 'running': {'running': 4, 'jogging': 2},
            'shoulders': {'at the top': 2, 'across the shoulders': 1}, 'hat': {'hat': 3, 'brimmed hat': 2},
        },
        keep={
            'hair': 0.5, 'hair colour': 0.65, 'second colour': 0.45, 'action': 0.4, 'direction': 0.3, 'lower': 0.96,
            'shoes': 0.6, 'bag': 0.9, 'bag colour': 0.8, 'hat': 0.92, 'glasses': 0.75, 'gloves': 0.6, 'smoke': 0.7,
            'phone': 0.85,
        },
        wear={'has on|wearing': 3, 'wears|wearing': 3, 'is dressed in|dressed in': 3, 'is in|in': 1},
        carry={'carries|carrying': 3, 'has|carrying': 3, 'is holding|holding': 1},
        determiner={'the': 7, 'a': 2, 'this': 2},
        opening={'subject': 5, 'fronted': 6},
        first={'clothes': 5, 'hair': 2, 'any': 2},
        per_sentence={'1': 3, '2': 5, '3': 3},
        progressive=0.35,
        aside=0.45,
    ),
    'second': Style(
        words={
            'young man': {'young man': 3, 'young guy': 3, 'man': 3, 'young male': 1},
            'young woman': {'young woman': 3, 'young lady': 3, 'woman': 3, 'young female': 1},
            'middle-aged man': {'middle-aged man': 5, 'man': 4},
            'middle-aged woman': {'middle-aged lady': 5, 'woman': 4},
            'elderly man': {'senior man': 3, 'elderly man': 4, 'old man': 3},
            'elderly woman': {'senior woman': 3, 'elderly woman': 4, 'old woman': 3},
            'child man': {'kid': 2, 'boy': 5, 'young boy': 3}, 'child woman': {'kid': 2, 'girl': 5, 'young girl': 3},
            't-shirt': {'tee shirt': 3, 't-shirt': 5}, 'sweater': {'jumper': 4, 'sweater': 5},
            'hoodie': {'hooded top': 3, 'hoodie': 6}, 'wind coat': {'long coat': 4, 'trench coat': 4, 'coat': 3},
            'vest': {'tank top': 4, 'vest': 4}, 'suit': {'suit jacket': 4, 'formal jacket': 3},
            'pants': {'trousers': 6, 'pants': 4}, 'sports pants': {'sweatpants': 3, 'sports pants': 5},
            'gray': {'grey': 8, 'gray': 2}, 'beige': {'tan': 4, 'beige': 4}, 'blond': {'fair': 3, 'blond': 5},
            'plaid': {'checked': 4, 'plaid': 5}, 'dotted': {'spotted': 3, 'dotted': 5},
            'shoes': {'shoes': 5, 'footwear': 2},
            'backpack': {'rucksack': 4, 'backpack': 6}, 'cap': {'cap': 6, 'baseball cap': 3},
            'glasses': {'glasses': 5, 'spectacles': 2}, 'phone': {'mobile': 3, 'phone': 6},
        },
        keep={
            'hair': 0.55, 'hair colour': 0.6, 'second colour': 0.5, 'action': 0.35, 'direction': 0.4, 'lower': 0.95,
            'shoes': 0.35, 'bag': 0.85, 'bag colour': 0.75, 'hat': 0.9, 'glasses': 0.7, 'gloves': 0.6, 'smoke': 0.7,
            'phone': 0.85,
        },
        wear={'wears|wearing': 3, 'is clothed in|clothed in': 2, 'is wearing|wearing': 3, 'is in|in': 2},
        carry={'carries|carrying': 3, 'has got|with': 1, 'is carrying|carrying': 2},
        determiner={'a': 1},
        opening={'this': 4, 'there': 5, 'subject': 3},
        first={'hair': 3, 'clothes': 3, 'any': 2},
        per_sentence={'1': 1, '2': 5, '3': 4},
        progressive=0.8,
        aside=0.1,
    ),
}  # fmt: skip
