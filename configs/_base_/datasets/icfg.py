# ICFG-PEDES has no validation split: 200 of its 3,102 training identities are held out to select the model.
tokenizer = dict(type='HFTokenizer', name_or_dir='bert-base-uncased', max_length=100)
train_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(128, 384), interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Tokenize', tokenizer=tokenizer),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(128, 384), interpolation='bicubic'),
    dict(type='Tokenize', tokenizer=tokenizer),
    dict(type='PackPersonInputs'),
]
dataset = dict(type='ICFGPEDES', data_root='data/ICFG-PEDES', ann_file='ICFG-PEDES.json', holdout_ids=200)
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='PairSampler', shuffle=True),
    dataset=dict(**dataset, split='train', unit='pair', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, split='val', unit='image', pipeline=test_pipeline))
test_dataloader = dict(
    batch_size=128,
    num_workers=4,
    pin_memory=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**dataset, split='test', unit='image', pipeline=test_pipeline))
val_evaluator = dict(type='RetrievalMetric')
test_evaluator = dict(type='RetrievalMetric', directions=('t2i', 'i2t'))
