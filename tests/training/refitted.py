"""The judged model as thresholds are set on it."""

from dataclasses import replace

from training.levels import moved


def at_the_end(trial):
    """The judged members under the blend and slopes of what serves, at the level that they find at the end."""
    told, serves = trial.report["refit"], trial.model
    own = told["judged_shift"] - (told["level"] or {"shift": 0.0})["shift"]
    return replace(trial.judged, weight=serves.weight, calibration=moved(serves.calibration, own))
