"""Secrets in text, file contents and file names: precise rules, a cheap gate before each, values that go nowhere.

`rules.py` serves both ends: what a report shows is redacted by it (system/redact.py), and files are searched by it.
"""
