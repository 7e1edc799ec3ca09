# IRRA on ICFG-PEDES.
_base_ = [
    '../_base_/models/clip_vitb16_irra.py',
    '../_base_/datasets/icfg_clip_masked.py',
    '../_base_/schedules/irra.py',
    '../_base_/default_runtime.py',
]

model = dict(heads=dict(identity=dict(num_classes=2902)))  # 3,102 less the 200 that are held out to select the model
