"""Readers: files and encodings in, typed layers out."""
