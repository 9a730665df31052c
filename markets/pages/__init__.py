"""What the markets page asks, reads and shows. Views hold no rules; these modules read through markets.queries."""
