# From generic weights and without the granularity-unified loss.
_base_ = './deits_cuhk_generic.py'

model = dict(heads=dict(pgu=None))
