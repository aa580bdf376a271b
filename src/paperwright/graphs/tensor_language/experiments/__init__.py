"""What only the claims need: hard pairs of graphs, random expressions and networks, and training towards a floor."""
