"""What is done without being asked for.

attending  a worker beside a service
worker     all of it, until it is told to stop
looking    at leads: marked, open at night, waited for
chores     work done again and again
duties     what one worker at a time does for all
nightly    the pass of the night
telling    how subscribers are told
answering  how platforms that wait are answered
"""
