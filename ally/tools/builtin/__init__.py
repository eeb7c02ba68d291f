"""The tools that come with Ally: one file and one text for the model each."""
