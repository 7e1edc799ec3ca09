# Twin of configs/unipt/swint_lupt.py: another mmpretrain backbone by inheritance. Three stages, 6x3 tokens at the end.
_base_ = './unipt_vit_pool.py'

model = dict(
    image_encoder=dict(
        _delete_=True,
        type='mmpretrain.SwinTransformer',
        arch=dict(embed_dims=48, depths=[2, 2, 2], num_heads=[2, 4, 8]),
        img_size=(96, 48),
        window_size=6,
        out_indices=(2, ),
        pad_small_map=True),
    img_neck=dict(in_channels=192))
