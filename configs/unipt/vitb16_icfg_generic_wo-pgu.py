# From generic weights and without the granularity-unified loss.
_base_ = './vitb16_icfg_generic.py'

model = dict(heads=dict(pgu=None))
