# TBPS-CLIP with all of its losses and three views of each picture on ICFG-PEDES; 4 GPUs for the authors' batch of 320.
_base_ = [
    '../_base_/models/clip_vitb16_tbps_full.py',
    '../_base_/datasets/icfg_tbps_full.py',
    '../_base_/schedules/tbps_clip.py',
    '../_base_/default_runtime.py',
]

# Labels become soft during the first epoch.
custom_hooks = [
    *_base_.custom_hooks, dict(type='HeadRampHook', head='contrastive', name='soft_ratio', epochs=1)]
