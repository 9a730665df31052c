FEEDS: tuple = ()
