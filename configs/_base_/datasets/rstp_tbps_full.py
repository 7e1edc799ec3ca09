# RSTPReid as in ./cuhk_tbps_full.py.
_base_ = './cuhk_tbps_full.py'

dataset = dict(type='RSTPReid', data_root='data/RSTPReid', ann_file='data_captions.json')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
