"""Which bundle is live, and how another one takes its place while requests are answered.

pointer  the file that says which bundle is live, replaced as a whole
deploy   a bundle checked and laid beside the others, then pointed at; and the way back
told     a score that was told, for whoever scores beside
drift    whether what is asked looks like what the model was made for
loading  a bundle made ready to score
model    the loaded bundle, exchanged when the pointer changes
"""
