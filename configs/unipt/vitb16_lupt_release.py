# The model of the authors' own pre-training code, for its checkpoints (docs/published_checkpoints.md): width 768,
# maxima over all 100 places, whole words masked, contrastive loss per GPU; dropout 0.1 in the ViT, weight decay on
# position embeddings too, a masked-word head from random weights. Their loss on masked images is not in it.
_base_ = './vitb16_lupt.py'

model = dict(
    data_preprocessor=dict(pad_to=100),
    image_encoder=dict(drop_rate=0.1),
    img_neck=dict(out_channels=768),
    txt_neck=dict(out_channels=768, mask_padding=False),
    heads=dict(contrastive=dict(loss=dict(gather=False)), mlm=dict(init_cfg=None)))
positions = dict(decay_mult=1.0)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'pos_embed': positions, 'position_embeddings': positions}))
train_pipeline = _base_.train_pipeline
train_pipeline[4]['whole_word'] = True
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
