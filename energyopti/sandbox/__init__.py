"""Upstreams in a box: a server that answers as PJM Data Miner 2 does, from a seeded model, over real HTTP.

It is an independent witness of the upstream's format and shares no code with the feeds that read it: nothing here imports
energyopti.feeds or markets. Every price it tells is made up; every answer carries `X-EnergyOpti-Sandbox: true`.
"""
