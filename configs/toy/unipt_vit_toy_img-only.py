# Twin of Table 3, middle row ("Single"): the pre-trained image encoder with a text encoder from scratch.
_base_ = './unipt_vit_toy.py'

model = dict(
    image_encoder=dict(
        init_cfg=dict(type='Pretrained', checkpoint='work_dirs/unipt_vit_pool/epoch_12.pth', prefix='image_encoder.')))
load_from = None
