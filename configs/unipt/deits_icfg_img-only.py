# Table 3, middle row ("Single"): the image encoder of UniPT's pre-training with generic BERT.
_base_ = './deits_icfg.py'

model = dict(
    image_encoder=dict(
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/deits_lupt/epoch_15.pth', prefix='image_encoder.')),
    text_encoder=dict(init_cfg=_base_.text_weights))
load_from = None
