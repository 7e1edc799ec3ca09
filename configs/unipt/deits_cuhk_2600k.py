# Figure 6, right bar, fine-tuned.
_base_ = './deits_cuhk.py'

load_from = 'work_dirs/deits_lupt_2600k/epoch_15.pth'
