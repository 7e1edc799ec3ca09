# ToyPEDES, drawn by tools/dataset_converters/make_toy_pedes.py in the layout of CUHK-PEDES.
tokenizer = dict(type='HFTokenizer', name_or_dir='data/toy_pedes/tokenizer', max_length=100)
train_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(48, 96), interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='mmpretrain.RandomCrop', crop_size=(96, 48), padding=4, padding_mode='edge'),
    dict(type='Tokenize', tokenizer=tokenizer),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(48, 96), interpolation='bicubic'),
    dict(type='Tokenize', tokenizer=tokenizer),
    dict(type='PackPersonInputs'),
]
dataset = dict(type='CUHKPEDES', data_root='data/toy_pedes', ann_file='reid_raw.json')
train_dataloader = dict(
    batch_size=64,
    num_workers=0,  # on two cores, workers take from the training what they give to the loading
    drop_last=True,
    sampler=dict(type='PairSampler', shuffle=True),
    dataset=dict(**dataset, split='train', unit='pair', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, split='val', unit='image', pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, split='test', unit='image', pipeline=test_pipeline))
val_evaluator = dict(type='RetrievalMetric')
test_evaluator = dict(type='RetrievalMetric', directions=('t2i', 'i2t'))
