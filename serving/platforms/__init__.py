"""The platforms' own shapes: what they send, what they are answered, and what is written back to them.

settings    secrets, addresses and words, from the environment
signatures  who sent it: HubSpot, Segment and RudderStack, Mautic
"""
