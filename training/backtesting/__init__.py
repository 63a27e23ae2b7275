"""The rolling backtest: the same training as of several moments of the past, judged on what came after each.

origins   the moments, and the rows each is judged on
pieces    one training as of one origin, of all leads or of a portion
store     finished pieces on disk: a killed run goes on from there
running   pieces side by side
curve     how well it would rank with fewer outcomes and with more
result    the figures by fold, horizon, segment, age and capacity
backtest  all of it, in order
runs      it as MLflow runs, one for each fold below one for the whole
"""
