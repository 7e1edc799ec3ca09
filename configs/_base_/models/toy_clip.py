# The toy CLIP of tools/train_toy_clip.py, which is frozen where it captions the pool and trained here.
# What its open_clip_config.json says stands here, so that the model can be built without it.
clip = dict(
    embed_dim=128,
    vision_cfg=dict(
        timm_model_name='test_byobnet', timm_model_pretrained=False, timm_pool='catavgmax', timm_proj='',
        image_size=(96, 48)),
    text_cfg=dict(context_length=20, vocab_size=49408, width=64, heads=2, layers=2))
clip_weights = dict(type='mmt2ireid.OpenCLIPPretrained', model='local-dir:data/toy_clip')

model = dict(
    type='DualEncoder',
    data_preprocessor=dict(
        type='PairDataPreprocessor',
        mean=[122.7709383, 116.7460125, 104.09373615], std=[68.5005327, 66.6321579, 70.32316305], to_rgb=True),
    image_encoder=dict(type='OpenCLIPImageEncoder', model=clip, init_cfg=clip_weights),
    # It was taught prompts of at most 20 tokens; captions are longer.
    text_encoder=dict(type='OpenCLIPTextEncoder', model=clip, context_length=64, init_cfg=clip_weights),
    img_neck=dict(type='GlobalTokenNeck', out_channels=128),
    txt_neck=dict(type='GlobalTokenNeck', out_channels=128),
    heads=dict())
