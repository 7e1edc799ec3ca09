# For data without identities there is nothing to select a model by: the last epoch counts. Mixed precision where there
# is a GPU.
_base_ = './default_runtime.py'

amp = True
default_hooks = dict(checkpoint=dict(save_best=None))
