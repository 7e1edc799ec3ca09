# IRRA on CUHK-PEDES.
_base_ = [
    '../_base_/models/clip_vitb16_irra.py',
    '../_base_/datasets/cuhk_clip_masked.py',
    '../_base_/schedules/irra.py',
    '../_base_/default_runtime.py',
]

model = dict(heads=dict(identity=dict(num_classes=11003)))
