# Table 8, C -> I: train on CUHK-PEDES, test on ICFG-PEDES. tools/test.py with the checkpoint of deits_cuhk.py.
_base_ = './deits_cuhk.py'

test_dataloader = dict(
    dataset=dict(
        type='ICFGPEDES', data_root='data/ICFG-PEDES', ann_file='ICFG-PEDES.json'))
