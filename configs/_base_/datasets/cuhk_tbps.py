# CUHK-PEDES as TBPS-CLIP augments it: two draws, with replacement, from six changes of the image; words left out. As in the
# authors' code, captions lose some punctuation (also in tests and searches), and training images are resized bilinearly.
_base_ = './cuhk_clip.py'

tokenizer = dict(drop_characters='.!"()*#:;~')
words = dict(type='CLIPTokenizer', max_length=77, drop_characters='.!"()*#:;~')

one_of_six = dict(
    type='RandomChoice',
    transforms=[
        [dict(type='mmpretrain.ColorJitter', brightness=0.1, contrast=0.1, saturation=0.1, backend='cv2')],
        [dict(type='mmpretrain.NumpyToPIL', to_rgb=True),
         dict(type='mmpretrain.torchvision/RandomRotation', degrees=15),
         dict(type='mmpretrain.PILToNumpy', to_bgr=True)],
        [dict(type='mmpretrain.RandomResizedCrop', scale=(224, 224), crop_ratio_range=(0.9, 1.0))],
        [dict(type='RandomGrayscale', prob=0.1, keep_channels=True, channel_weights=(0.114, 0.587, 0.299))],
        [dict(type='RandomFlip', prob=0.5)],
        [dict(type='TorchvisionErasing', prob=0.5, area=(0.1, 0.2))],
    ])
train_pipeline = [
    dict(type='LoadPersonImage'),
    dict(type='Resize', scale=(224, 224), interpolation='bilinear', backend='pillow'),
    one_of_six,
    one_of_six,
    dict(type='DeleteWords', prob=0.05),
    dict(type='Tokenize', tokenizer=words),
    dict(type='PackPersonInputs'),
]
test_pipeline = [
    dict(step, tokenizer=words) if step['type'] == 'Tokenize' else
    dict(step, scale=(224, 224)) if step['type'] == 'Resize' else step for step in _base_.test_pipeline]
train_dataloader = dict(batch_size=80, dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
