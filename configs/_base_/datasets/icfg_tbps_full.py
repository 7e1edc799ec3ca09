# ICFG-PEDES as in ./cuhk_tbps_full.py; 200 of its 3,102 training identities are held out to select the model.
_base_ = './cuhk_tbps_full.py'

dataset = dict(type='ICFGPEDES', data_root='data/ICFG-PEDES', ann_file='ICFG-PEDES.json', holdout_ids=200)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
