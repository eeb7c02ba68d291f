"""One module for each format: `extract(data, name)` gives the text of a file called `name`."""
