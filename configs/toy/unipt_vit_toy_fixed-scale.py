# Fine-tuning from the pre-training with the paper's fixed scale.
_base_ = './unipt_vit_toy.py'

load_from = 'work_dirs/unipt_vit_pool_fixed-scale/epoch_12.pth'
