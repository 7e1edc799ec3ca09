# Table 5, upper row: pre-training without masked language modelling (beta = 0).
_base_ = './deits_lupt.py'

model = dict(heads=dict(mlm=None))
