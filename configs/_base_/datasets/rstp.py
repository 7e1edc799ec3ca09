# RSTPReid: 3,701 identities to train, 200 each to validate and test.
_base_ = './cuhk.py'

dataset = dict(type='RSTPReid', data_root='data/RSTPReid', ann_file='data_captions.json')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
