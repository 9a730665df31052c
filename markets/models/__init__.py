"""The tables of the markets app."""

from markets.models.nodes import FollowedNode, Node
from markets.models.prices import LmpBlock, LmpBlockHistory, LmpEnergy, LmpEnergyHistory, LmpLive, Series

__all__ = ["FollowedNode", "LmpBlock", "LmpBlockHistory", "LmpEnergy", "LmpEnergyHistory", "LmpLive", "Node", "Series"]
