"""Premises and scripts of a show: their data, their files, and the two writers. No torch, no Prefect."""
