"""The challenger in the shadow: it scores a share of what the champion told, and nobody hears of it.

following  which bundle is in the shadow, checked and warm
waiting    told scores that wait for it, within bounds
rows       its scores as rows of the store
shadow     the thread that scores and writes
"""
