# Twin of Table 5: fine-tuning from the pre-training without masked language modelling.
_base_ = './unipt_vit_toy.py'

load_from = 'work_dirs/unipt_vit_pool_wo-mlm/epoch_12.pth'
