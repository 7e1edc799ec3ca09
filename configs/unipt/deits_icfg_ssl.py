# Table 3, upper row ("Single"): self-supervised person weights (TransReID-SSL, ViT-S on LUPerson) with generic BERT.
# The authors' file must be brought into mmpretrain's names and stand at the path below.
_base_ = './deits_icfg.py'

model = dict(
    image_encoder=dict(init_cfg=dict(type='Pretrained', checkpoint='checkpoints/transreid_ssl_vits_lup.pth')),
    text_encoder=dict(init_cfg=_base_.text_weights))
load_from = None
