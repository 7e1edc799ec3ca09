# CUHK-PEDES without identities, with a vocabulary of its own words, which tools/build_vocabulary.py counts.
_base_ = './cuhk_weak.py'

tokenizer = dict(_delete_=True, type='WordTokenizer', vocab='data/vocabularies/cuhk.json', max_length=100)
words = {key: value for key, value in tokenizer.items() if key != '_delete_'}
train_pipeline = [
    dict(step, tokenizer=words) if step['type'] == 'Tokenize' else step for step in _base_.train_pipeline]
test_pipeline = [
    dict(step, tokenizer=words) if step['type'] == 'Tokenize' else step for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
clustering = dict(dataloader=dict(dataset=dict(pipeline=test_pipeline)))
