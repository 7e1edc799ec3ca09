# From generic weights (ImageNet and BERT) in place of LUPerson-T. The semi-hard ranking loss ignores negatives that are
# nearer than the positive; it is the identity loss that brings the modalities together at first. DeiT's weights were
# trained with ImageNet's mean and deviation.
_base_ = './deits_icfg.py'

model = dict(
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]),
    image_encoder=dict(init_cfg=_base_.image_weights), text_encoder=dict(init_cfg=_base_.text_weights))
load_from = None
