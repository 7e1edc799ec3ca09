# LUPerson-T and half of MALS in every epoch, which goes through MALS in two. A set is added by a line and its weight.
_base_ = './lupt.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='WeightedConcat',
        datasets=[
            _base_.train_dataloader.dataset,
            dict(type='MALS', data_root='data/MALS', on_bad_image='skip', pipeline=_base_.train_pipeline),
        ],
        weights=(1.0, 0.5)))
