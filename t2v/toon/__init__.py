"""The drawn cartoon world: what TOON is trained on and what its prompts are understood in."""
