"""The leaderboard: reported and measured numbers, side by side and never in one column."""

from zoo.results.leaderboard.rows import Kind, Row, leaderboard
from zoo.results.leaderboard.sections import Section, sections

__all__ = ["Kind", "Row", "Section", "leaderboard", "sections"]
