"""Weight files of every layout that people have: read strictly, unpickled safely, written again."""
