"""What went wrong at a service, told by its answer or by the connection, as an error of the tree."""
