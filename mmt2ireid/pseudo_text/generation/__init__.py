"""From a source of images to stored captions: sharded, resumable, over ranks."""
