# Fine-tuning of DeiT-Small + BERT from UniPT's pre-training on LUPerson-T (Tables 2 and 7).
_base_ = [
    '../_base_/models/deits_unipt_finetune.py',
    '../_base_/datasets/rstp.py',
    '../_base_/schedules/unipt_finetune.py',
    '../_base_/default_runtime.py',
]

num_classes = 3701
model = dict(heads=dict(identity=dict(num_classes=num_classes), pgu=dict(num_classes=num_classes)))
load_from = 'work_dirs/deits_lupt/epoch_15.pth'
