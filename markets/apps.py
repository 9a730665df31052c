from django.apps import AppConfig


class MarketsConfig(AppConfig):
    name = "markets"
    verbose_name = "Markets"
    feeds = "markets.feeds.pjm:FEEDS"
    upstreams = "markets.feeds.dataminer:UPSTREAMS"
    schedule = "markets.schedule:ENTRIES"
    samples = "markets.samples:load"
    cards = "markets.cards:CARDS"
