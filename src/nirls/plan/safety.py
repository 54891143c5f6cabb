"""How adverse events are judged (`adverse_events` of `study.yaml`)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from nirls.plan.base import Id, PlanModel

SERIOUSNESS = {
    "AESDTH": "death", "AESLIFE": "life-threatening", "AESHOSP": "hospitalization", "AESDISAB": "disability",
    "AESCONG": "congenital anomaly", "AESMIE": "other medically important event", "AESCAN": "cancer", "AESOD": "overdose",
}  # fmt: skip
"""The criteria of a serious event as the SDTM has them, one flag each, in words; a study may have AESERCRIT in their place."""


class Relationship(PlanModel):
    """One judgement of whether an adverse event is related; its key (up to four capitals, such as DEV) ends the name of its variable."""

    variable: Id = Field(description="Variable of AE, such as AEREL_DEV.")
    label: str = Field(description="To what: 'device', 'procedure', 'treatment'; in running text.")
    levels: dict[str, str] = Field(description="Value → text as printed, from unrelated to certainly related.", min_length=2)
    related: list[str] = Field(description="The values that mean related.", min_length=1)

    @model_validator(mode="after")
    def _related_are_levels(self) -> Relationship:
        strange = [value for value in self.related if value not in self.levels]
        if strange:
            raise ValueError(f"related: {', '.join(strange)} not among the levels {', '.join(self.levels)}")
        return self


class AdverseEvents(PlanModel):
    """How AE becomes the data set ADAE; what is missing counts as the worst: severe, serious, related."""

    window_days: int | None = Field(
        7, description="An event is treatment-emergent up to so many days after the last session or dose; none: without end.", ge=0
    )
    severity: dict[str, str] = Field(
        default={"MILD": "Mild", "MODERATE": "Moderate", "SEVERE": "Severe"},
        description="Value of AESEV → text as printed, from mild to severe.",
        min_length=2,
    )
    relationship: dict[Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")], Relationship] = Field(
        description="Key → judgement; an event is related if one of them says so.", min_length=1
    )
    device: bool = Field(False, description="The treatment is a device: ADE, SADE, ASADE and USADE of ISO 14155 are derived.")
    anticipated: Id | None = Field(None, description="Variable of AE: Y if the risk analysis of the device names the event, else N.")
    fatal: str = Field("AEOUT == 'FATAL'", description="The event was fatal, in the `where` language over AE.")
    withdrawn: str | None = Field(None, description="The event ended treatment, in the `where` language over AE.")
    interrupted: str | None = Field(None, description="The event interrupted treatment, in the `where` language over AE.")
    words: dict[Id, list[str]] = Field(
        default={
            "AEOUT": [
                "FATAL",
                "NOT RECOVERED/NOT RESOLVED",
                "RECOVERED/RESOLVED",
                "RECOVERED/RESOLVED WITH SEQUELAE",
                "RECOVERING/RESOLVING",
                "UNKNOWN",
            ]
        },
        description="Variable of AE that `fatal`, `withdrawn` or `interrupted` looks at → the words it may have. Default: the outcomes "
        "of CDISC's controlled terminology.",
    )
    uncoded: str = Field("Not coded", description="Text in place of AEDECOD and AEBODSYS of an event that is not coded.")

    @model_validator(mode="after")
    def _relationships_share_their_levels(self) -> AdverseEvents:
        scales = {tuple(dict.fromkeys(item.levels.values())) for item in self.relationship.values()}
        if len(scales) > 1:
            raise ValueError("relationship: the levels must be the same for all, in one order, or the strongest cannot be told")
        return self

    @model_validator(mode="after")
    def _anticipated_of_a_device(self) -> AdverseEvents:
        if self.device and self.anticipated is None:
            raise ValueError("device: true needs `anticipated`, by which USADE is told from ASADE")
        return self

    def known(self) -> dict[str, tuple[list[str], str]]:
        """Variables of AE by which an event is judged → the words they may have, and where in study.yaml these stand ("": Y or N)."""
        anticipated = (self.anticipated,) if self.anticipated else ()
        out: dict[str, tuple[list[str], str]] = dict.fromkeys(("AESER", *SERIOUSNESS, *anticipated), (["Y", "N"], ""))
        out["AESEV"] = (list(self.severity), "adverse_events.severity")
        out |= {item.variable: (list(item.levels), f"adverse_events.relationship.{key}.levels") for key, item in self.relationship.items()}
        return out | {name: (words, f"adverse_events.words.{name}") for name, words in self.words.items()}
