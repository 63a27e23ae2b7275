"""Subscribers over HTTP, for whoever may administer.

schemas  what is asked and answered
routes   add, look, pause, resume, test, replay, dead letters, remove
pinging  a signed ping
"""
