# MALS: 1,510,330 drawn persons with a caption each.
_base_ = './lupt.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MALS',
        data_root='data/MALS',
        on_bad_image='skip',
        pipeline=_base_.train_pipeline))
