# Table 8, I -> C: train on ICFG-PEDES, test on CUHK-PEDES. tools/test.py with the checkpoint of deits_icfg.py.
_base_ = './deits_icfg.py'

_base_.test_dataloader.dataset.pop('holdout_ids')
test_dataloader = dict(
    dataset=dict(type='CUHKPEDES', data_root='data/CUHK-PEDES', ann_file='reid_raw.json'))
