UPSTREAMS: tuple = ()
