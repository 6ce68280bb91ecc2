"""Run both measurements: the share of the atlas decided, and cost against size."""

from benchmarks.existence import atlas_share, scaling

if __name__ == "__main__":
    atlas_share.main()
    scaling.main()
