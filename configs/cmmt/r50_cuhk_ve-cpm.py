# Table 4, "VE CPM": soft labels are inner products of the pictures' embeddings.
_base_ = './r50_cuhk.py'

model = dict(heads=dict(cpm=dict(soft_labels='image_embedding')))
