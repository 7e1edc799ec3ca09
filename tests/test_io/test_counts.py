import pytest

from mmt2ireid.io.counts import counted


@pytest.mark.parametrize(
    ('number', 'words', 'said'),
    [
        (0, ('error',), '0 errors'),
        (1, ('error',), '1 error'),
        (2, ('error',), '2 errors'),
        (12345, ('image',), '12,345 images'),
        (1, ('identity is', 'identities are'), '1 identity is'),
        (3, ('identity is', 'identities are'), '3 identities are'),
        (-1, ('step',), '-1 steps'),
    ],
)
def test_a_number_has_the_form_of_its_noun(number, words, said):
    assert counted(number, *words) == said
