"""Where unlabelled images come from: folders, lists, LMDB, tar, Arrow and Parquet."""
