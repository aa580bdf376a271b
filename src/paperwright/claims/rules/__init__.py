"""When a claim holds: what a rule is, and the rules there are."""
