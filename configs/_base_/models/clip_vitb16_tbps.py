# TBPS-CLIP's contrastive losses on CLIP's encoders, 224x224 images. The authors freeze the patch embedding.
_base_ = './clip_vitb16.py'

model = dict(
    image_encoder=dict(image_size=(224, 224), freeze_patch_embed=True),
    heads=dict(
        contrastive=dict(
            type='LabelContrastiveHead',
            logit_scale=None,  # that of the loaded weights, as in the authors' runs: 100 of OpenAI's
            reversed_weight=1.0, cyclic_weight=0.1, eps=1e-2)))
