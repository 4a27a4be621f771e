"""Where activity rooms go, with a bound on how good any plan could be."""
