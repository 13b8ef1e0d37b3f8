"""Premises, scripts and continuity as YAML files, scripts as Fountain files: reading, checking, editing."""
