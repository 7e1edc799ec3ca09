# ToyPEDES with masked captions.
_base_ = './toy_pedes.py'

train_pipeline = [
    *[step for step in _base_.train_pipeline if step['type'] != 'PackPersonInputs'],
    dict(type='MaskTokens', tokenizer=_base_.tokenizer, prob=0.15),
    dict(type='PackPersonInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
