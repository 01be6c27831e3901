"""``/users``: who may sign in and with which roles; what an Administrator does about them."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import BaseModel, Field

from provisioning.accounts.forms.users import UserFilter
from provisioning.accounts.selectors import users as selector
from provisioning.accounts.selectors.sign_ins import locked_places
from provisioning.accounts.services import users as services
from provisioning.core.permissions import actor_of

from .changes import Change, answered
from .documents import Strict
from .filters import Named, Text
from .paging import Page, PageOf, by_id_or_name
from .repeats import refuse_key
from .saved import address, created

router = Router(tags=["users"])
RoleName = Literal["Administrator", "Operator", "Support"]
Roles = Annotated[list[RoleName], Field(max_length=10)]


class UsersFilter(Named):
    text: Text = ""
    role: Literal["", RoleName] = ""
    state: Literal["", "enabled", "disabled"] = ""


class UserRow(BaseModel):
    """``is_service``: it never signs in and has API tokens. ``locked_from``: for where failed sign-ins have locked it;
    ``password_until``: until when the password for one sign-in is good, null where there is none."""

    id: int
    name: str
    roles: list[str]
    enabled: bool
    is_service: bool
    last_sign_in: datetime | None
    locked_until: datetime | None
    locked_from: list[str]
    must_change_password: bool
    password_until: datetime | None


class UserBody(Strict):
    name: str = Field(max_length=255)
    roles: Roles


class RolesBody(Strict):
    """``seen``: the roles that were there when these were chosen, null where nobody looked."""

    roles: Roles
    seen: Roles | None = None


class OnePassword(BaseModel):
    """``password`` is good for one sign-in within 24 hours. It is answered once and stored nowhere."""

    user: UserRow
    password: str


class LockedAddress(BaseModel):
    address: str
    until: datetime


class AddressBody(Strict):
    address: Text


@router.get("", response=PageOf[UserRow], summary="List users")
def users(request: HttpRequest, page: Query[Page], filters: Query[UsersFilter]) -> HttpResponse:
    return page.of(selector.user_list(**filters.chosen(UserFilter)), described, UserRow, sort=filters.sort,
                   sorts={"name": ("username",)})


@router.post("", response={201: OnePassword, 200: OnePassword}, summary="Create a user")
def create(request: HttpRequest, body: UserBody, change: Query[Change]) -> HttpResponse:
    """With a password for the first sign-in, at which another one is chosen."""
    refuse_key(request)

    def work() -> HttpResponse:
        row, password = services.create_user(actor=actor_of(request), name=body.name, roles=body.roles)
        return _with_password(row, password, change, created(change))

    return change.carried_out(work)


@router.get("/locked-addresses", response=list[LockedAddress], summary="List locked addresses")
def locked_addresses(request: HttpRequest) -> Any:
    """Addresses from which nobody who is new there may try to sign in, after failed sign-ins."""
    return [LockedAddress(address=place, until=lock.until) for place, lock in locked_places(timezone.now())]


@router.post("/locked-addresses/unlock", response=LockedAddress, summary="Unlock an address")
def unlock_address(request: HttpRequest, body: AddressBody, change: Query[Change]) -> HttpResponse:
    """Whoever is there may try to sign in again at once."""
    def work() -> HttpResponse:
        place = services.unlock_address(actor=actor_of(request), address=body.address)
        return answered(LockedAddress(address=place, until=timezone.now()), LockedAddress)

    return change.carried_out(work)


@router.get("/{user}", response=UserRow, summary="A user")
def user(request: HttpRequest, user: str) -> HttpResponse:
    return _answered(found(user))


@router.put("/{user}/roles", response=UserRow, summary="Give a user exactly these roles")
def set_roles(request: HttpRequest, user: str, body: RolesBody, change: Query[Change]) -> HttpResponse:
    """Whoever may do less then is signed out at once."""
    return _done(request, user, change, lambda **whom: services.set_roles(roles=body.roles, seen=body.seen, **whom))


@router.post("/{user}/disable", response=UserRow, summary="Disable a user")
def disable(request: HttpRequest, user: str, change: Query[Change]) -> HttpResponse:
    """Signed out at once, and without effect every token; jobs that were started go on."""
    return _done(request, user, change, lambda **whom: services.set_enabled(enabled=False, **whom))


@router.post("/{user}/enable", response=UserRow, summary="Enable a user")
def enable(request: HttpRequest, user: str, change: Query[Change]) -> HttpResponse:
    """With the roles and the password from before."""
    return _done(request, user, change, lambda **whom: services.set_enabled(enabled=True, **whom))


@router.post("/{user}/unlock", response=UserRow, summary="Unlock a user")
def unlock(request: HttpRequest, user: str, change: Query[Change]) -> HttpResponse:
    """End what failed sign-ins have locked."""
    return _done(request, user, change, services.unlock)


@router.post("/{user}/reset-password", response=OnePassword, summary="Reset the password of a user")
def reset_password(request: HttpRequest, user: str, change: Query[Change]) -> HttpResponse:
    """The present password is good for nothing any more, and the user is signed out everywhere."""
    refuse_key(request)
    whom = found(user)
    return change.carried_out(lambda: _with_password(
        *services.reset_password(actor=actor_of(request), user_id=whom.pk), change))


def found(key: str) -> Any:
    """Raises NotFound."""
    return by_id_or_name(key, lambda pk: selector.get_person(pk).user, selector.find_user)


def _done(request: HttpRequest, key: str, change: Change, work: Callable[..., Any]) -> HttpResponse:
    whom = found(key)
    return change.carried_out(lambda: _answered(work(actor=actor_of(request), user_id=whom.pk)))


def _answered(user: Any) -> HttpResponse:
    return answered(described([selector.get_person(user.pk).user])[0], UserRow)


def _with_password(user: Any, password: str, change: Change, status: int = 200) -> HttpResponse:
    row = described([selector.get_person(user.pk).user])[0]
    body = OnePassword(user=row, password="" if change.dry_run else password)
    return answered(body, OnePassword, status=status,
                    location=address("users", row.name) if status == 201 else "")


def described(rows: Iterable[Any]) -> list[UserRow]:
    return [UserRow(
        id=each.pk, name=each.name, roles=list(each.roles), enabled=each.user.is_active, is_service=each.is_service,
        last_sign_in=each.user.last_login, locked_until=each.locked_until, locked_from=list(each.locked_from),
        must_change_password=each.must_change_password, password_until=each.password_until)
        for each in selector.people(rows)]
