# Without the granularity-unified loss (gamma = 0).
_base_ = './vitb16_cuhk.py'

model = dict(heads=dict(pgu=None))
