# IIITD-20K: every picture another person. The release has no split; this is 15,000, 2,500 and 2,500 in its order.
_base_ = './cuhk.py'

dataset = dict(
    type='IIITD20K', data_root='data/IIITD-20K', ann_file='Filtered.json', sizes=(15000, 2500, 2500))
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
