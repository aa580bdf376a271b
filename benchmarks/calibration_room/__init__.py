"""A room of no paper: 200 statements of known truth, for judging the judge."""
