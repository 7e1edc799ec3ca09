# CUHK-PEDES, a fifth of whose training captions stand beside another person: RDE's file, copied beside reid_raw.json.
_base_ = './cuhk.py'

train_dataloader = dict(dataset=dict(noise=dict(file='CUHK-PEDES_0.2.npy')))
