"""Speakers beside the embedded one: Kokoro, servers, recordings, and what is done to their sound."""
