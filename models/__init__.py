"""What it says: calibrated answers about what comes next, and their judgement.

model          the readiness model as a value: booster and linear model, blended and calibrated
hazard         one model for every horizon: discrete-time hazards
linear         the linear model
calibration    from log-odds to probabilities that can be believed
numerics       the compiled arithmetic of scoring
booster        LightGBM's C library without its package
openmp         how LightGBM's threads wait for each other
compact        its trees as flat arrays, walked with the same bits for less
shapley        what each feature adds to a score, with the same bits as LightGBM's contributions
paths          what a leaf adds for each feature on the way to it
answering      features made readiness in one compiled call
timing         the trees that ask for the hazard bin, and those that do not
structure      what a LightGBM text must be before the C library sees it
trees          the same for one tree
index          readiness on a fixed scale of 0 to 100
evidence       what a lead itself has done lately
evidence_rows  the same for many leads at many moments
policy         the agreed rule: when sales is asked to call, when a lead comes back
tenths         how readiness is spread over rows
thresholds     from what sales can work, or from what calls cost
agreement      what each weekly capacity would have meant, and the policy of the one agreed on
states         where a lead stands, and what moves it
lots           numbers that belong to their words: who is explored, who is in the shadow
sentences      why, in one sentence each
scorer         from a lead's own events to a score
snapshot       every open lead at one moment, scored as a table
reasons        contributions as reasons, grouped by question
telling        one feature's question, told as dated evidence
facts          what could be known of a lead at a moment
wording        dates, counts and words
bundle         all that is needed to score, in one value and one folder
folder         that folder as bytes: written whole, read once, hashed
golden         rows with their exact readiness
canary         a bundle tried in a process of its own
histories      leads of the tables as values
points         hand-made points, replayed as of each cutoff
rules          the grammar of points
points_text    a points table as text that reads back the same
field_rules    rules on attributes
points_plan    rules and events as arrays
points_kernel  the compiled replay
mautic         Mautic's point actions read as rules, defects included
mautic_map     which of our events Mautic's actions look at
mautic_doubts  what should be known of points read from Mautic
mautic_write   rules as Mautic's actions, and what Mautic cannot have
odoo           Odoo's predictive lead scoring
"""
