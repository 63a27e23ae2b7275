"""What is asked of score jobs, and what is answered."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from serving.jobs.board import MOST_LEADS
from serving.schemas import MaybeMoment, Name


class JobIn(BaseModel):
    """Which leads to score, and as of when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leads: Annotated[list[Name], Field(max_length=MOST_LEADS)] = Field(
        default=[], description="Ids of stored leads; every open lead, when absent or empty.", examples=[["L-1042"]]
    )
    as_of: MaybeMoment = Field(default=None, description="As known then: ISO 8601 with a zone; now, when absent.")


class NotScoredOut(BaseModel):
    """A lead that could not be scored."""

    lead_id: str = Field(description="Its id.")
    reason: str = Field(description="Why.")


class JobShortOut(BaseModel):
    """How far a job is, in short."""

    job_id: str = Field(description="Its id.")
    status: str = Field(description="queued, running, done, failed or cancelled.", examples=["running"])
    asked_at: str = Field(description="When it was asked for, UTC.")
    asked_by: str = Field(description="The name of the key that asked.")
    as_of: str = Field(description="The moment asked about, UTC.")
    total: int = Field(description="How many leads it is about; for every open lead: when it was asked for.")
    done: int = Field(description="How many were looked at so far.")
    scored: int = Field(description="How many were scored so far.")
    finished_at: str = Field(description="When it ended, UTC; empty until then.")
    error: str = Field(description="Why it failed; empty when it did not.")


class JobOut(JobShortOut):
    """How far a job is."""

    refused: list[NotScoredOut] = Field(description="Leads that could not be scored, with why; 1,000 at the most.")


class JobsOut(BaseModel):
    """The latest jobs."""

    jobs: list[JobShortOut] = Field(description="The latest first.")
