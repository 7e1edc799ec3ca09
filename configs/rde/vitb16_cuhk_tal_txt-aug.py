# RDE's triplet alignment loss on CUHK-PEDES with the authors' text augmentation: of the tokens 12 % are masked, 4 % replaced
# and 4 % removed.
_base_ = './vitb16_cuhk_tal.py'

masks = dict(type='CLIPTokenizer', max_length=77, mask_token=True)
train_pipeline = [
    *_base_.augmentation,
    dict(type='Tokenize', tokenizer=masks),
    dict(type='AugmentTokens', tokenizer=masks, prob=0.2, mask_share=0.6, random_share=0.2),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(step, tokenizer=masks) if step['type'] == 'Tokenize' else step for step in _base_.test_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
