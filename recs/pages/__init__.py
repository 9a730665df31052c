"""What the certificate pages ask, read and show. Views hold no rules; these modules read through recs.queries."""
