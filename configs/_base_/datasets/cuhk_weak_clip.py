# CUHK-PEDES without identities, with CLIP's byte pairs: 77 tokens, start and end included.
_base_ = './cuhk_weak.py'

tokenizer = dict(_delete_=True, type='CLIPTokenizer', max_length=77)
pairs = {key: value for key, value in tokenizer.items() if key != '_delete_'}
train_pipeline = [
    dict(step, tokenizer=pairs) if step['type'] == 'Tokenize' else step for step in _base_.train_pipeline]
test_pipeline = [
    dict(step, tokenizer=pairs) if step['type'] == 'Tokenize' else step for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
clustering = dict(dataloader=dict(dataset=dict(pipeline=test_pipeline)))
