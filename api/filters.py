"""Filters of lists: the fields that the pages' filter forms have, which judge them."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from django.utils.datastructures import MultiValueDict
from pydantic import BaseModel, Field

from provisioning.errors import Refusal, Refused
from provisioning.web.filters import FilterForm

Form = TypeVar("Form", bound=FilterForm)
Text = Annotated[str, Field(max_length=255)]
Sentences = Annotated[str, Field(max_length=2000)]
Names = Annotated[list[Text], Field(max_length=1000)]
Whole = Annotated[int, Field(ge=-2**53, le=2**53)]
Key = Annotated[int, Field(ge=0, le=2**53)]


class Filter(BaseModel):
    """Every field that is empty matches everything."""

    def judged(self, form: type[Form], **more: Any) -> Form:
        """What was sent, as the page's ``form`` takes it. Raises Refused, with the field of each fault."""
        values = self.model_dump(exclude_defaults=True)
        sent = {name: [value.isoformat() if isinstance(value, datetime) else str(value)]
                for name, value in values.items()}
        made = form(MultiValueDict(sent), **more)
        if made.errors:
            raise Refused(*(Refusal(str(sentence), name) for name, found in made.errors.items() for sentence in found))
        return made

    def chosen(self, form: type[FilterForm], **more: Any) -> dict[str, Any]:
        """{field: value} of what counts. Raises Refused."""
        return self.judged(form, **more).chosen()


class Times(Filter):
    """``since`` (from that moment on) and ``until`` (before that moment) count unless ``time`` is given."""

    time: Literal["", "hour", "day", "week", "failover"] = ""
    since: datetime | None = None
    until: datetime | None = None


class Named(Filter):
    """Of objects with a name."""

    sort: Literal["name", "-name", "id", "-id"] = "name"


BY_NAME = {"name": ("name",)}
