# CLIP's ViT-B/16 by the contrastive loss on CUHK-PEDES, adapters of rank 16 trained in place of all weights.
_base_ = './vitb16_cuhk_itc.py'

adapters = dict(
    type='LoRAEncoder', target_modules=('query', 'key', 'value', 'out', 'c_fc', 'c_proj'), rank=16, alpha=32)
model = dict(
    image_encoder=dict(_delete_=True, encoder=_base_.model.image_encoder, **adapters),
    text_encoder=dict(_delete_=True, encoder=_base_.model.text_encoder, **adapters))
# The rate and Adam's eps are ours: adapters start at random and from zero.
optim_wrapper = dict(optimizer=dict(lr=1e-4, eps=1e-8))
