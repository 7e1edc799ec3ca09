# Table 3, upper row ("Single"): self-supervised person weights (TransReID-SSL, ViT-S on LUPerson) with generic BERT.
# The authors' ViT-S/16, as published or through tools/model_converters/transreid_ssl.py, must stand at the path below.
_base_ = './deits_icfg.py'

model = dict(
    image_encoder=dict(
        init_cfg=dict(
            type='mmt2ireid.BackbonePretrained',
            checkpoint='checkpoints/transreid_ssl_vits_lup.pth',
            grid=(16, 8))),  # patches of its 256x128 pictures
    text_encoder=dict(init_cfg=_base_.text_weights))
load_from = None
