"""How the inbox's webhook misbehaves on demand."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """What happens to the next requests at the webhook, whatever they say.

    A request hangs first; then its connection is reset, or it is answered `status`.
    With neither it is taken at once and answered late.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[int, Field(ge=200, le=599)] | None = None
    retry_after: Annotated[int, Field(ge=0)] | None = None
    """Seconds, as the Retry-After header of the answer."""
    count: Annotated[int, Field(ge=1)] | None = None
    """How many requests it strikes; None strikes all until it is cleared."""
    hang_seconds: Annotated[float, Field(ge=0)] = 0
    reset: bool = False
    stored: bool = False
    """Whether the envelope is taken before the fault strikes: the answer is lost, not the request."""

    def in_words(self) -> str:
        """For the list of refusals."""
        late = f"{self.hang_seconds:g} s late, " if self.hang_seconds else ""
        return late + ("reset" if self.reset else f"answered {self.status or 'as it should be'}")

    def after_one(self) -> "Fault | None":
        """What is left of the fault after it has struck once."""
        if self.count is None:
            return self
        return self.model_copy(update={"count": self.count - 1}) if self.count > 1 else None
