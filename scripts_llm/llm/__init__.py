"""One question to an OpenAI-compatible server, one checked JSON object back."""
