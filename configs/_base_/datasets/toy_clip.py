# ToyPEDES with CLIP's byte pairs.
_base_ = './toy_pedes.py'

tokenizer = dict(_delete_=True, type='CLIPTokenizer', max_length=64)
pairs = dict(type='CLIPTokenizer', max_length=64)
train_pipeline = [
    dict(step, tokenizer=pairs) if step['type'] == 'Tokenize' else step for step in _base_.train_pipeline]
test_pipeline = [
    dict(step, tokenizer=pairs) if step['type'] == 'Tokenize' else step for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
