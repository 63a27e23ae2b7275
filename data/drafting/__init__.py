"""How a first contract is guessed.

look     the first rows of each file of a folder
words    what columns, kinds and files are usually called
columns  which column is what, and which are worth asking
exports  folders of HubSpot, Salesforce, Marketo, Segment and RudderStack
tables   which file is which fact table
ready    what ready means: the outcome, whether it repeats, the horizons
"""
