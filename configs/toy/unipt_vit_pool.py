# Twin of configs/unipt/vitb16_lupt_tuned.py: UniPT's pre-training on the pool, with a learned scale.
_base_ = [
    '../_base_/models/toy_unipt_pretrain.py',
    '../_base_/datasets/toy_pool.py',
    '../_base_/schedules/toy_pretrain.py',
    '../_base_/default_runtime.py',
]
