"""Score jobs: many stored leads scored in the background, in pieces that survive a kill.

board    jobs as rows: asked for, looked up, cancelled
running  the next piece of a job, written with how far it is
results  the scores of a job, page by page
schemas  what is asked and answered
routes   the endpoints
"""
