"""What the author of a job imports. Light: nothing of Spark and nothing else of Mist is loaded."""
