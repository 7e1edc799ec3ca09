# The pool of unlabelled toy persons with their captions; zero-shot retrieval on the labelled set shows the progress.
_base_ = './toy_pedes.py'

train_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(48, 96), interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmpretrain.RandomCrop', crop_size=(96, 48), padding=4, padding_mode='edge'),
    dict(type='Tokenize', tokenizer=_base_.tokenizer),
    dict(type='MaskTokens', tokenizer=_base_.tokenizer, prob=0.15),
    dict(type='PackPersonInputs'),
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='LUPersonT',
        data_root='data/toy_pedes/pool',
        ann_file='captions.json',
        data_prefix=dict(img_path='imgs'),
        pipeline=train_pipeline))
