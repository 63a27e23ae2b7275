"""What ``readiness watch`` reads of the store and keeps in it; the service itself never imports it.

reading    the served scores as a table, the facts as they were known
replaying  served scores computed again in batch, bit for bit
keeping    what a look found, kept; new alarms, told
"""
