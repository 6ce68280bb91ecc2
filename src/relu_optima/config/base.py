"""What every config group shares: strictness, and which fields belong to the science."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Names become file names, Snakemake wildcards and column prefixes.
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]


class Group(BaseModel):
    """A strict, immutable config group: unknown keys, wrong types and NaN are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def scientific(self) -> dict[str, Any]:
        """Return the fields that decide the result, with coerced types (1 and 1.0 agree)."""
        dump = self.model_dump(mode="json")
        for name, info in type(self).model_fields.items():
            extra = info.json_schema_extra
            if isinstance(extra, dict) and extra.get("operational"):
                dump.pop(name)
        out = _without_negative_zero(dump)
        assert isinstance(out, dict)
        return out

    def draws(self) -> bool:
        """Tell whether the stage of this name draws from the run's seed with these values."""
        return False

    def seeded(self) -> tuple[str, ...]:
        """Name the fields that take the run's seed where nothing sets them."""
        return ()


def _without_negative_zero(value: Any) -> Any:
    """Make -0.0 and 0.0, which are equal, look equal."""
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, dict):
        return {k: _without_negative_zero(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_negative_zero(v) for v in value]
    return value


def operational(default: Any, **kwargs: Any) -> Any:
    """Declare a field that cannot change a result (limits, folders) and stays out of run ids."""
    return Field(default=default, json_schema_extra={"operational": True}, **kwargs)
