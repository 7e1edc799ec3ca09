# ICFG-PEDES for training without identities, on all of its training pairs: none are held out, for how many pictures
# 200 identities have is not known beforehand. So there is no validation.
_base_ = './cuhk_weak.py'

dataset = dict(type='ICFGPEDES', data_root='data/ICFG-PEDES', ann_file='ICFG-PEDES.json', holdout_ids=0)
train_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
clustering = dict(dataloader=dict(dataset=dataset))
val_dataloader = None
val_evaluator = None
