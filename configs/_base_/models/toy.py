# Encoders that two CPU cores train within minutes: 96x48 pictures, patches of 12, width 128.
bert = dict(
    vocab_size=1024, hidden_size=128, num_hidden_layers=2, num_attention_heads=4, intermediate_size=512,
    max_position_embeddings=128)
model = dict(
    type='DualEncoder',
    data_preprocessor=dict(type='PairDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True),
    image_encoder=dict(
        type='mmpretrain.VisionTransformer',
        arch=dict(embed_dims=128, num_layers=4, num_heads=4, feedforward_channels=512),
        img_size=(96, 48),
        patch_size=12,
        out_type='raw'),
    text_encoder=dict(type='BertTextEncoder', config=bert),
    img_neck=dict(type='ConvMaxPoolNeck', in_channels=128, out_channels=128),
    txt_neck=dict(type='ConvMaxPoolNeck', in_channels=128, out_channels=128),
    heads=dict())
