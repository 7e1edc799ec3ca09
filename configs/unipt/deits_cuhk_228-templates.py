# Figure 6, left bar, fine-tuned.
_base_ = './deits_cuhk.py'

load_from = 'work_dirs/deits_lupt_228-templates/epoch_15.pth'
