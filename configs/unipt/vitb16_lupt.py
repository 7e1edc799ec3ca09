# UniPT pre-training of ViT-B/16 + BERT exactly as the paper has it (no temperature: scale 1, fixed).
# tools/dist_train.sh configs/unipt/vitb16_lupt.py 8
_base_ = [
    '../_base_/models/vitb16_unipt_pretrain.py',
    '../_base_/datasets/lupt.py',
    '../_base_/schedules/unipt_pretrain.py',
    '../_base_/pretrain_runtime.py',
]
