# From generic weights (ImageNet and BERT) in place of LUPerson-T. The semi-hard ranking loss ignores negatives that are
# nearer than the positive; it is the identity loss that brings the modalities together at first.
_base_ = './vitb16_icfg.py'

model = dict(
    image_encoder=dict(init_cfg=_base_.image_weights), text_encoder=dict(init_cfg=_base_.text_weights))
load_from = None
