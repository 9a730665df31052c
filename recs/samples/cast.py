"""Who plays in the samples: two organisations with their people, accounts and generators. All names are invented and say so."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from energyopti.organisations.models import Membership, Organisation, User
from recs import ledger, services
from recs.models import Account, Generator, Policy

REASON = "sample data"
NAMES = uuid.uuid5(uuid.NAMESPACE_DNS, "samples.recs.energyopti")
ALWAYS = tuple(Policy.Action.values)
Role = Membership.Role


@dataclass
class Firm:
    """`four_eyes`: the actions for which this organisation wants a second person."""

    organisation: Organisation
    people: dict[str, User]
    four_eyes: tuple[str, ...]
    accounts: dict[str, Account] = field(default_factory=dict)
    generators: dict[str, Generator] = field(default_factory=dict)

    @property
    def trader(self) -> User:
        return self.people[Role.TRADER]

    @property
    def officer(self) -> User:
        return self.people[Role.COMPLIANCE_OFFICER]

    @property
    def administrator(self) -> User:
        return self.people[Role.ADMINISTRATOR]

    def account(self, name: str) -> int:
        return self.accounts[name].pk

    def does(self, name: str, command: Callable[..., int], /, *, approved: bool = True, **asked: object) -> int:
        """A command by one who may, and its approval by another where this organisation wants one."""
        kind = str(asked.get("kind", command.__name__))
        by, second = (self.officer, self.administrator) if kind == "retire" else (self.trader, self.officer)
        done = command(key=self.key(name), by=by, reason=f"{REASON}: {name}", **asked)
        if approved and kind in self.four_eyes:
            ledger.approve(key=self.key(f"{name}, approved"), by=second, command=done, reason=REASON)
        return done

    def answers(self, name: str, command: Callable[..., int], offer: int, **said: object) -> None:
        """Accepts or rejects what another organisation offered."""
        command(key=self.key(f"{name}, answered"), by=self.trader, command=offer, reason=f"{REASON}: {name}", **said)

    def confirms(self, name: str, done: int, *, number: str, day: date) -> None:
        """What the registry would have sent."""
        ledger.confirm(
            key=self.key(f"{name}, confirmed"), by=self.officer, command=done, reference=number, reference_date=day, reason=REASON
        )

    def key(self, name: str) -> uuid.UUID:
        """Of one command: the same in every run."""
        return uuid.uuid5(NAMES, f"{self.organisation.slug}: {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """`every`: months from one sample batch to the next. `into`: the account that its certificates are issued into."""

    name: str
    fuel: str
    state: str
    capacity_mw: int
    registry: str
    unit: str
    every: int
    into: str = "Trading"
    programme: str = ""


PLANTS = {
    "sandbox-east": (
        Plant(
            name="Sample Prairie Wind", fuel="wind", state="IA", capacity_mw=150, registry="mrets", unit="SAMPLE-M1", every=1, into="M-RETS"
        ),
        Plant(
            name="Sample Garden Solar",
            fuel="solar",
            state="NJ",
            capacity_mw=40,
            registry="gats",
            unit="SAMPLE-NON1",
            every=1,
            programme="NJ Solar",
        ),
        Plant(
            name="Sample Ridge Wind",
            fuel="wind",
            state="PA",
            capacity_mw=60,
            registry="gats",
            unit="SAMPLE-MSET1",
            every=2,
            programme="PA Tier I",
        ),
        Plant(name="Sample River Hydro", fuel="hydro", state="PA", capacity_mw=25, registry="gats", unit="SAMPLE-MSET2", every=3),
        Plant(name="Sample Valley Digester", fuel="biomass", state="MD", capacity_mw=6, registry="gats", unit="SAMPLE-NON2", every=3),
    ),
    "sandbox-west": (
        Plant(
            name="Sample Notch Hydro",
            fuel="hydro",
            state="NH",
            capacity_mw=30,
            registry="nepool",
            unit="SAMPLE-N1",
            every=1,
            into="NEPOOL GIS",
        ),
        Plant(name="Sample Mesa Solar", fuel="solar", state="CA", capacity_mw=80, registry="wregis", unit="SAMPLE-W1", every=1),
        Plant(name="Sample Caprock Wind", fuel="wind", state="TX", capacity_mw=120, registry="ercot", unit="SAMPLE-E1", every=2),
        Plant(name="Sample Basin Geothermal", fuel="geothermal", state="NV", capacity_mw=20, registry="wregis", unit="SAMPLE-W2", every=3),
    ),
}
# The name of an account, its kind, and of one that mirrors a registry's: the registry and the account there
ACCOUNTS = {
    "sandbox-east": (
        ("Trading", "active", "", ""),
        ("Reserve", "reserve", "", ""),
        ("Retirement", "retirement", "", ""),
        ("M-RETS", "active", "mrets", "SAMPLE-1001"),
        ("Sample Buyer LLC (no login)", "external", "", ""),
    ),
    "sandbox-west": (
        ("Trading", "active", "", ""),
        ("Reserve", "reserve", "", ""),
        ("Retirement", "retirement", "", ""),
        ("NEPOOL GIS", "active", "nepool", "SAMPLE-2001"),
        ("Sample Broker Inc. (no login)", "external", "", ""),
    ),
}
# West lets one person transfer and reverse alone: what self-approved looks like
FOUR_EYES = {"sandbox-east": ALWAYS, "sandbox-west": tuple(action for action in ALWAYS if action not in ("transfer", "reverse"))}


def pair(slugs: tuple[str, ...]) -> tuple[Firm, Firm] | None:
    """None where an organisation or one of its people is missing."""
    found = [firm for slug in slugs if (firm := _firm(slug))]
    return (found[0], found[1]) if len(found) == 2 else None


def _firm(slug: str) -> Firm | None:
    organisation = Organisation.objects.filter(slug=slug, sandbox=True).first()
    members = Membership.objects.filter(organisation=organisation, user__is_active=True).select_related("user").order_by("-id")
    people = {member.role: member.user for member in members}
    if organisation is None or not {Role.TRADER, Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR} <= set(people):
        return None
    return Firm(organisation, people, FOUR_EYES[slug])


def furnish(*firms: Firm) -> None:
    """Policies, accounts and generators, as far as they are missing."""
    for firm in firms:
        slug = firm.organisation.slug
        if not Policy.objects.filter(organisation=firm.organisation).exists():
            services.set_policy(organisation=firm.organisation, four_eyes=firm.four_eyes, offer_days=14, reason=REASON)
        standing = {account.name: account for account in Account.objects.filter(organisation=firm.organisation)}
        for name, kind, registry, there in ACCOUNTS[slug]:
            firm.accounts[name] = standing.get(name) or services.open_account(
                organisation=firm.organisation, name=name, kind=kind, registry=registry or None, registry_account=there, reason=REASON
            )
        known = {generator.name: generator for generator in Generator.objects.filter(organisation=firm.organisation)}
        for plant in PLANTS[slug]:
            firm.generators[plant.name] = known.get(plant.name) or _record(firm, plant)


def _record(firm: Firm, plant: Plant) -> Generator:
    certified = ((plant.programme, date(2020, 1, 1), None, f"SAMPLE-{plant.unit}"),) if plant.programme else ()
    return services.record_generator(
        organisation=firm.organisation,
        name=plant.name,
        fuel=plant.fuel,
        state=plant.state,
        capacity_mw=Decimal(plant.capacity_mw),
        commissioned_on=date(2019, 6, 1),
        registrations=((plant.registry, plant.unit),),
        eligibilities=certified,
        reason=REASON,
    )
