# UFine6926: captions of 80 words, so 200 tokens; 200 training identities are held out to select the model.
_base_ = './cuhk.py'

tokenizer = dict(max_length=200)
long = dict(type='HFTokenizer', name_or_dir='bert-base-uncased', max_length=200)
train_pipeline = [
    dict(step, tokenizer=long) if step['type'] == 'Tokenize' else step for step in _base_.train_pipeline]
test_pipeline = [
    dict(step, tokenizer=long) if step['type'] == 'Tokenize' else step for step in _base_.test_pipeline]
dataset = dict(type='UFine6926', data_root='data/UFine6926', ann_file='UFine6926.json', holdout_ids=200)
train_dataloader = dict(dataset=dict(**dataset, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**dataset, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**dataset, pipeline=test_pipeline))
