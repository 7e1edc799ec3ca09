# SYNTH-PEDES: 4.79 million web pictures with two or three generated captions each. Identities are given.
_base_ = './lupt.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SYNTHPEDES',
        data_root='data/SYNTH-PEDES',
        on_bad_image='skip',
        pipeline=_base_.train_pipeline))
