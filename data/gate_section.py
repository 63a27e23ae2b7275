"""[gate]: what a challenger must show before it may take the champion's place."""

from pydantic import Field

from data.terms import Section, Share


class Gate(Section):
    """The limits of ``readiness promote``. Shares are of 1: ``0.005`` is half a per cent."""

    log_loss_margin: Share = 0.005
    """It fails when it is surely worse by more than this share of the champion's log loss."""
    calibration_margin: Share = 0.005
    """Likewise by how much more log loss a recalibration would save, as a share of the champion's log loss."""
    least_wins: int = Field(default=10, ge=0)
    """So many leads must have had the outcome on the rows that neither has learned; fewer tell nothing."""
    most_changed: Share = 0.25
    """Of the open leads, the share whose decision may change overnight."""
    replay_rows: int = Field(default=200, ge=1)
    """So many open leads are scored alone, as the service does, and compared with the table, bit for bit."""
