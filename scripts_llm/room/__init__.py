"""The writers' room of the embedded writer: people, plots, state, wording."""
