# Twin of configs/unipt/vitb16_cuhk.py: fine-tuning from the pre-training on the pool.
_base_ = [
    '../_base_/models/toy_unipt_finetune.py',
    '../_base_/datasets/toy_pedes.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/default_runtime.py',
]

load_from = 'work_dirs/unipt_vit_pool/epoch_12.pth'
