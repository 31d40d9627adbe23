"""Clothes, hair and skin of people."""
