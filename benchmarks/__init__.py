"""What Ally costs to start and to ask, as ratios against other programs measured in the same run."""
