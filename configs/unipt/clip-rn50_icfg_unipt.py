# Table 4: UniPT's fine-tuning from CLIP's generic pre-training, ResNet-50 and its text tower.
_base_ = [
    '../_base_/models/clip_rn50_unipt.py',
    '../_base_/datasets/icfg_clip_flip.py',
    '../_base_/schedules/unipt_finetune.py',
    '../_base_/default_runtime.py',
]

num_classes = 2902  # 3,102 less the 200 that are held out to select the model
model = dict(heads=dict(identity=dict(num_classes=num_classes), pgu=dict(num_classes=num_classes)))
