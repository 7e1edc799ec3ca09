# Without the granularity-unified loss (gamma = 0).
_base_ = './deits_cuhk.py'

model = dict(heads=dict(pgu=None))
