"""all-MiniLM-L6-v2 on this machine: from the weights in a package to vectors made by a process of its own."""
