"""Events of GitHub, and what it is told: comments, summaries, annotations, outputs."""
