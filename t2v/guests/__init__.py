"""Guests: film models that diffusers films, behind the same door as t2v's own. Importing it imports no torch.

Only this package imports diffusers and transformers, which are the extra `cold-open[cameras]`.
"""
