"""Two versions side by side: on the same later rows, and in what they would do to people.

side        a version or a bundle folder as one side of a comparison
question    what both answer, and from which moment on neither has learned
rows        the rows that both are judged on, with what each says
recalibrate what a straight line through the log-odds would mend
paired      differences of every metric, by bootstrap over leads
judged      those, by horizon and segment, with calibration side by side
people      what a promotion would do: ranks, decisions, call lists, the largest movers
moved       a lead's change between two dates: the lead's own part and the model's, adding up exactly
comparison  all of it as one JSON object
words       the same in tables and sentences
picture     calibration side by side
page        the same as one HTML page
"""
