"""Fields that know too much: evidence that a field was written after the fact, and what follows from it.

finding     what was found of one field, and of all of them
groups      leads by what had become of them when the export was made
fields      a field as codes, for each lead and for each row
late        who has the field: young leads and old, those worked on and those nobody touched
timing      when the change history says that it was written
auc         how well a score ranks rows asked about at the same time, with an interval
strength    how much the field knows alone, its missingness too
ablation    what a quick model says with and without it
names       words that give a field away
verdict     the thresholds, and the sentences
rows        one row for each lead: features, labels, all of it before the split
detect      all of the above, in order
telling     the report's section on leaks, for people
figures     the served model beside the one that decided otherwise
"""
