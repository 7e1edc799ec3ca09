# LUPerson-T: about 1.28 million persons with pseudo-texts. For the Arrow release set ann_file='LUPerson_train.arrow'.
tokenizer = dict(type='HFTokenizer', name_or_dir='bert-base-uncased', max_length=100)
train_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(128, 384), interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='Tokenize', tokenizer=tokenizer),
    dict(type='MaskTokens', tokenizer=tokenizer, prob=0.15, whole_word=False),
    dict(type='PackPersonInputs'),
]
# There is no test split: searches and exports of the pre-trained model prepare pictures and texts so.
test_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(128, 384), interpolation='bicubic'),
    dict(type='Tokenize', tokenizer=tokenizer),
    dict(type='PackPersonInputs'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='PairSampler', shuffle=True),
    dataset=dict(
        type='LUPersonT',
        data_root='data/LUPerson-T',
        ann_file='captions.json',
        data_prefix=dict(img_path='imgs'),
        on_bad_image='skip',  # of a million web pictures, some are broken: they are counted and reported
        pipeline=train_pipeline))
val_dataloader = None
test_dataloader = None
val_evaluator = None
test_evaluator = None
