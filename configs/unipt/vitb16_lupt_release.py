# The model of the authors' own pre-training code, for its checkpoints (docs/published_checkpoints.md): width 768,
# maxima over all 100 places, whole words masked, contrastive loss per GPU. Their loss on masked pictures is not in it.
_base_ = './vitb16_lupt.py'

model = dict(
    data_preprocessor=dict(pad_to=100),
    img_neck=dict(out_channels=768),
    txt_neck=dict(out_channels=768, mask_padding=False),
    heads=dict(contrastive=dict(loss=dict(gather=False))))
train_pipeline = _base_.train_pipeline
train_pipeline[4]['whole_word'] = True
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
