# Twin of configs/rde/vitb16_cuhk_tal_noise50.py: half of the training captions are exchanged at random.
_base_ = './rde_clip_toy_tal.py'

train_dataloader = dict(dataset=dict(noise=dict(rate=0.5, seed=0)))
