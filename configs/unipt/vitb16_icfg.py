# Fine-tuning of ViT-B/16 + BERT from UniPT's pre-training on LUPerson-T (Tables 2 and 7).
_base_ = [
    '../_base_/models/vitb16_unipt_finetune.py',
    '../_base_/datasets/icfg.py',
    '../_base_/schedules/unipt_finetune.py',
    '../_base_/default_runtime.py',
]

num_classes = 2902  # 3,102 less the 200 that are held out to select the model
model = dict(heads=dict(identity=dict(num_classes=num_classes), pgu=dict(num_classes=num_classes)))
load_from = 'work_dirs/vitb16_lupt/epoch_15.pth'
