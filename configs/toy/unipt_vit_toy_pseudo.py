# Twin of configs/unipt/vitb16_cuhk.py: fine-tuning from the pre-training on pseudo-texts.
_base_ = './unipt_vit_toy.py'

load_from = 'work_dirs/unipt_vit_pseudo/epoch_12.pth'
