# Table 5, upper row: fine-tuning from the pre-training without masked language modelling.
_base_ = './deits_cuhk.py'

load_from = 'work_dirs/deits_lupt_wo-mlm/epoch_15.pth'
