"""Numbers: a finished test run becomes a result; results and what papers report become the leaderboard."""
