"""The price store: the one writer of blocks, live rows and the market's energy (DESIGN.md 4).

store.py takes a load; day.py holds its arithmetic, stored.py reads what stands, stage.py, live.py and energy.py write.
"""

from markets.blocks.store import PriceStore, seal

__all__ = ["PriceStore", "seal"]
