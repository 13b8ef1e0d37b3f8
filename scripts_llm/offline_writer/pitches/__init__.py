"""What the writers' room pitches for an episode: other last lines, a runner out of a suggestion."""
