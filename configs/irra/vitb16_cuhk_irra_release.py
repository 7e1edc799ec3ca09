# IRRA on CUHK-PEDES as the released code trains it, of which 73.38 is: all heads read the masked caption (in the paper one
# does), words look at all 77 places, position embeddings are resized bilinearly, the warm-up ends an epoch later, and see
# the data's base. Their weights are float16, too: README.md, "Float16 weights".
_base_ = [
    '../_base_/models/clip_vitb16_irra.py',
    '../_base_/datasets/cuhk_clip_release.py',
    '../_base_/schedules/irra.py',
    '../_base_/default_runtime.py',
]

model = dict(
    read_masked_text=True,
    data_preprocessor=dict(pad_to=77),
    image_encoder=dict(position_mode='bilinear'),
    text_encoder=dict(keep_start=True),
    heads=dict(irr=dict(all_places=True), identity=dict(num_classes=11003)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=6, by_epoch=True),
    dict(type='CosineAnnealingLR', eta_min=0.0, begin=5, by_epoch=True),
]
