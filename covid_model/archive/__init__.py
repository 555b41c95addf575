"""An archive of images explained by many workers, on this machine or on a Ray cluster, into Parquet files."""
