"""Changes of scripts, one thing at a time, beside a person who has the file open."""
