"""What is recorded: the store of trials, the evidence files, and whether they still stand."""
