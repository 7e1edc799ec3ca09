# The network that CMMT's authors published (docs/published_checkpoints.md), where it is another than the paper's: two
# LSTM layers without biases, words 768 wide, common width 512; weight decay on the ResNet, x0.1 at 20, 30 and 40.
_base_ = [
    '../_base_/models/r50_cmmt.py',
    '../_base_/datasets/cuhk_weak_release.py',
    '../_base_/schedules/cmmt.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(
    text_encoder=dict(
        vocab_size=4093,  # theirs has 4,092: 4,091 words and one for all others; ours one more for padding
        embed_dims=768,
        num_layers=2,
        bias=False),  # theirs start from a file of word vectors: word_vectors='FILE.npy'
    img_neck=dict(out_channels=512),
    txt_neck=dict(out_channels=512),
    heads=dict(memory=dict(num_images=34054, num_captions=68126, dim=512)))
custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, _base_.clustering]
none = dict(decay_mult=0.0)
optim_wrapper = dict(
    optimizer=dict(weight_decay=4e-5),
    paramwise_cfg=dict(custom_keys=dict(text_encoder=none, img_neck=none, txt_neck=none, heads=none)))
param_scheduler = dict(milestones=[20, 30, 40])
