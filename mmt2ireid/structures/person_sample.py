"""One person image with its captions: what a dataset yields and a prediction adds to."""

from __future__ import annotations

from mmengine.structures import BaseDataElement


class PersonSample(BaseDataElement):
    """One person image with one caption (training) or all its captions (evaluation).

    Fields that a dataset sets:
        pid (int): identity; in training a label 0..C-1, -1 where unknown.
        image_id (int): number of the unique image within its split, 0-based.
        sample_idx (int): number of the item within its dataset; in training the number of the caption.
        img_path (str): where the picture came from (for a picture inside an Arrow file: ``file.arrow#row``).
        captions (list[str]): as people wrote them.
        token_ids (list[Tensor]): per caption, int64 (L_c,), special tokens included, not padded.
        masked_token_ids (Tensor): int64 (L_0,), the first caption with masks (only after ``MaskTokens``).
        mask_positions (Tensor): int64 (P_0,), which positions of the first caption are to be predicted.
        views (list[Tensor]): further pictures of the item, uint8 (3, H, W), BGR (only after ``ExtraViews``).

    Fields that ``DualEncoder.predict`` adds:
        img_feat (Tensor): (D_test,), of unit length.
        txt_feats (Tensor): (number of captions, D_test), each of unit length.
    """

    def pin_memory(self, device: object = None) -> PersonSample:
        """Pins the views, so that they are copied to a GPU as the pictures are; a data loader calls it."""
        if 'views' in self:
            self.set_field([view.pin_memory() for view in self.get('views')], 'views')
        return self
