# UniPT pre-training of DeiT-Small + BERT exactly as the paper has it (no temperature: scale 1, fixed).
# tools/dist_train.sh configs/unipt/deits_lupt.py 8
_base_ = [
    '../_base_/models/deits_unipt_pretrain.py',
    '../_base_/datasets/lupt.py',
    '../_base_/schedules/unipt_pretrain.py',
    '../_base_/pretrain_runtime.py',
]
