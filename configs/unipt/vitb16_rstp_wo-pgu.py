# Without the granularity-unified loss (gamma = 0).
_base_ = './vitb16_rstp.py'

model = dict(heads=dict(pgu=None))
