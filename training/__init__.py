"""How it is made: splits by time, trials, reports, and the model registry.

leaks         fields that know too much: evidence, verdict, and how they are told
sample        the rows of a trial, and on which side of the split they stand
splits        the split, and folds in the order of time
cells         what each row teaches about each hazard bin
logistic      the linear challenger
newton        how it is fitted
cores         how many cores a piece of that arithmetic is given
gbm           the booster
folds         one validation block and its linear models
groves        its boosters: shapes and rounds
weighing      how blocks weigh against each other, and what is clearly better
blend         how much of the blend is the booster's
calibrating   slope and level of each horizon, from the blocks; how far the latest block is followed
levels        the level now: what came beside what was told, month by month
selection     what the training rows alone decide
search        better settings than the defaults, within a budget
fit           from the choice to the model
learning      from the sample of a trial to its model
refit         the model that serves: the same settings, learned once more from everything known
cluster       the last fit on a Dask cluster, from every cell there is
dask_gbm      the booster on that cluster
staying       tasks that stay where the result is that they need
rivals        the base rate and the customer's points
judge         the field's figures, with intervals
handed_off    what came of hand-offs, version by version
weighted      the same from hand-offs alone, each weighed by the chance that it had
comparing     two versions side by side: on the same later rows, and in what they would do to people
promotion     how a version takes over: the gate, the alias, the trail, the way back
defining      the definition workshop: what each way of saying ready would have meant
watching      what became of what was served, and whether the world is still the same
retraining    the loop: check, train, backtest, compare, gate, promote or leave as challenger
heldout       the rows that a trained version was not learned from, once more
duel          points, model and others at the same weekly capacity
duel_play     who is called, week by week
points_duel   that duel for a customer's points, with the worth of each rule
rule_lifts    what each rule is worth by itself
odoo_fields   what Odoo's scoring is fed with
duel_words    the duel in words
duel_plot     the duel as a picture
distil        from the model back to a points table
distil_candidates  the rules that it is chosen from
testrows      what was only judged on
wins          outcomes counted once, however many rows lead up to them
capacity      what a call list of so many leads a week reaches
segments      groups of judged rows
group_calls   where the calls of the list go, group by group
shift         how far the numbers of a feature have moved
grouped       the figures of such a group
sections      all of these as sections of a report
expectation   what to expect of a model, above all of one from few wins
backtesting   the training repeated as of several moments of the past
decision      the policy that travels with the model
agreement     what each weekly capacity would have meant, from which people agree on one
reporting     the report of a trial
trial         all of it, in order
wording       how figures, dates and models are told to people
figures       a report as MLflow's parameters and metrics, in scales that its pages do not round away
drawing       the house style of the plots
plots         the plots of a report as PNG
group_plots   those of what sales meets: the call list, segments, horizons
time_plots    those over time: folds, the learning curve
worth         whether a feature earns its place
worth_words   that in sentences
summary       a report in sentences for somebody who sells
backtest_words  a backtest in sentences and tables
report        a report or a backtest as one HTML page, with the templates in pages/
version_card  a version's description in Markdown
changes       what changed from one version's report to the next
experiment_page  what MLflow's pages show first
address       where versions are kept, known without importing MLflow
tracking      the one door to MLflow
logged_model  the bundle as MLflow's logged model: text and code, no pickle
pyfunc_model  what MLflow runs when its own tools load a version
search_runs   the trials of a search as runs of MLflow's
keeping       from a trial to a version that is kept
registry      a trial and its bundle become a version
fetch         a version's bundle, fetched and verified; also `python -m training.fetch`
"""
