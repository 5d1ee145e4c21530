"""What every table of a configuration is: closed to unknown fields, and unchanging."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
