"""What the writers' room pitches on top of an episode: other last lines for a scene."""
