# The plain contrastive loss on the captions of rde_clip_toy_tal_noise50.py, to compare with.
_base_ = './clip_toy_itc.py'

train_dataloader = dict(dataset=dict(noise=dict(rate=0.5, seed=0)))
