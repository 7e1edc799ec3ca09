# Twin of Figure 6: fine-tuning from the pre-training on half of the pool.
_base_ = './unipt_vit_toy.py'

load_from = 'work_dirs/unipt_vit_pool_half/epoch_24.pth'
