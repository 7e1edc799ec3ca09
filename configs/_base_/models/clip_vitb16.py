# OpenAI's CLIP ViT-B/16, both towers, 384x128 pictures. Its embeddings as they are: the modalities already share a space.
# Without network: the file of the weights in place of 'openai', here or in both encoders (a config that inherits has to
# change their init_cfg; its own `clip_weights` would reach neither):
# --cfg-options model.image_encoder.init_cfg.pretrained=FILE model.text_encoder.init_cfg.pretrained=FILE
clip_weights = dict(type='mmt2ireid.OpenCLIPPretrained', pretrained='openai')

model = dict(
    type='DualEncoder',
    data_preprocessor=dict(
        type='PairDataPreprocessor',  # CLIP's own mean and deviation
        mean=[122.7709383, 116.7460125, 104.09373615], std=[68.5005327, 66.6321579, 70.32316305], to_rgb=True),
    # OpenAI trained with QuickGELU; open_clip names such models so.
    image_encoder=dict(
        type='OpenCLIPImageEncoder', model='ViT-B-16-quickgelu', image_size=(384, 128), init_cfg=clip_weights),
    text_encoder=dict(type='OpenCLIPTextEncoder', model='ViT-B-16-quickgelu', init_cfg=clip_weights),
    img_neck=dict(type='GlobalTokenNeck', out_channels=512),
    txt_neck=dict(type='GlobalTokenNeck', out_channels=512),
    heads=dict())
