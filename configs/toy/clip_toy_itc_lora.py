# Twin of configs/clip/vitb16_cuhk_itc_lora.py: adapters of rank 8 in the toy CLIP, whose picture tower is convolutions.
_base_ = './clip_toy_itc.py'

adapters = dict(type='LoRAEncoder', rank=8, alpha=16)
maps = r'.*(conv\d_\w+|shortcut\.conv|stem)\.conv'
words = ('query', 'key', 'value', 'out', 'c_fc', 'c_proj')
model = dict(
    image_encoder=dict(_delete_=True, encoder=_base_.model.image_encoder, target_modules=maps, **adapters),
    text_encoder=dict(_delete_=True, encoder=_base_.model.text_encoder, target_modules=words, **adapters))
