"""What a recorded trial rests on: the code it reaches, the libraries under it, the data it read."""
