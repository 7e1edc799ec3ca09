# CMMT on CUHK-PEDES with a warm-up, not in the paper: the Bi-LSTM starts at random, so for two epochs Text-IoU CPM trains
# alone, and clustering begins with the third.
_base_ = './r50_cuhk.py'

custom_hooks = [*_base_.custom_hooks, dict(type='HeadWarmupHook', heads=['memory', 'hsm'], epochs=2)]
