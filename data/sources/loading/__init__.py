"""How the tables that a warehouse loader lands become facts: what HubSpot, Salesforce and Marketo have in common.

export    the tables of an export by the loader's names, whatever stands before and after them
work      one import at work: tables as text, each row with its table and number
books     what became of every row
people    merged, converted and deleted people; the leads that remain
touches   events, declared: which table, whose, when, which kind and actor
deals     outcomes from the stages that deals went through
changes   histories of fields
facts     the fact tables that ``check`` judges
"""
