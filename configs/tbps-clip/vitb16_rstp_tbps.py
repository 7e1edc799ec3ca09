# TBPS-CLIP's N-ITC, R-ITC and C-ITC with its augmentation on RSTPReid; 4 GPUs for the authors' batch of 320.
_base_ = [
    '../_base_/models/clip_vitb16_tbps.py',
    '../_base_/datasets/rstp_tbps.py',
    '../_base_/schedules/tbps_clip.py',
    '../_base_/default_runtime.py',
]
