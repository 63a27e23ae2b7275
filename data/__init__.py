"""What happened: the facts, the contract that maps them, and the moments asked about.

errors      the one error tree of the project
clock       UTC microseconds, durations, and the one statement of every interval
tables      the columns and types of the five fact tables
history     the facts as one frozen value
contract    readiness.toml as one frozen, validated value
sections    its sections: source_section and policy_section are the large ones
serving_section  where the service keeps what it is told
gate_section  what a challenger must show before it takes over
terms       what stands in them: durations, moments, shares, names
sources     where facts come from: files and databases
naming      what the name of a column gives away
times       times as sources write them, made UTC; a code for what cannot be
cells       cells made text, numbers or times, a column at a time
prepare     a raw table as the columns that the rules look at
rules       what makes a row good, declared
rejects     bad rows as they came, and the account of why
report      what a check found, for people and machines
check       good rows, bad rows with a reason, counts that add up
facts       checked facts in a folder, read whole or piece by piece
draft       a first contract, guessed from the files of a folder
drafting    how it is guessed
store       the service's own store, as far as it holds facts
spine       which lead is asked about at which moment
labels      what came next, and how long we could watch
simulation  a seeded market whose truth is known
kept_code   what numba keeps of compiled code on disk
"""
