# CUHK-PEDES without identities as the published network of CMMT reads it: captions in their own case, without punctuation
# and with an end word; images resized by Pillow.
_base_ = './cuhk_weak.py'

words = dict(
    type='WordTokenizer', vocab='data/vocabularies/cuhk_release.json', max_length=100,
    lower_case=False, delete_punctuation=True, end_word='<END>')
resize = dict(type='Resize', scale=(128, 384), interpolation='bicubic', backend='pillow')
train_pipeline = [
    dict(type='LoadPersonImage'),
    resize,
    dict(type='RandomFlip', prob=0.5),
    dict(type='Tokenize', tokenizer=words),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(type='LoadPersonImage'),
    resize,
    dict(type='Tokenize', tokenizer=words),
    dict(type='PackPersonInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
clustering = dict(dataloader=dict(dataset=dict(pipeline=test_pipeline)))
