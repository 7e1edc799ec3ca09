# ToyPEDES with CLIP's byte pairs, the last of which is given up for a mask token, and masked captions.
_base_ = './toy_clip.py'

tokenizer = dict(mask_token=True)
masks = dict(type='CLIPTokenizer', max_length=64, mask_token=True)
train_pipeline = [
    *[step for step in _base_.train_pipeline if step['type'] not in ('Tokenize', 'PackPersonInputs')],
    dict(type='Tokenize', tokenizer=masks),
    dict(type='MaskTokens', tokenizer=masks, prob=0.15),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(step, tokenizer=masks) if step['type'] == 'Tokenize' else step for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
