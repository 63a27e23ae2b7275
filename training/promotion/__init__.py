"""How a version takes over: a gate, an alias that moves, and a trail of who moved it and why.

lines     what the gate says, line by line
replay    law 3: what was trained is what is served, to the last bit
gate      the lines of one version against the champion
trail     what was promoted and rolled back, kept in the registry's tags
audit     the same on the versions themselves: tags, description, the comparison among the artifacts
promote   the verdict, and the move
rollback  back to the version before, in one step
lock      one training or promotion of a contract at a time
"""
