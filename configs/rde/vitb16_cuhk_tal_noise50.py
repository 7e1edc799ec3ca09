# RDE's triplet alignment loss on CUHK-PEDES where half of the training captions are exchanged, by RDE's own permutation.
_base_ = './vitb16_cuhk_tal.py'

train_dataloader = dict(dataset=dict(noise=dict(file='CUHK-PEDES_0.5.npy')))
