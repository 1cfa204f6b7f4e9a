"""`dormouse simulate`: what each idle policy would have made of traffic that is known."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from dormouse_cli.aws import AwsSession
from dormouse_cli.durations import parse_duration
from dormouse_cli.errors import CliError
from dormouse_cli.moments import format_moment
from dormouse_cli.options import CommonOptions
from dormouse_cli.output import Output
from dormouse_cli.progress import counting, reading
from dormouse_cli.simulation import picture as pictures
from dormouse_cli.simulation.counts_file import (
    STANDARD_INPUT,
    name_of,
    read_file,
    write_bytes,
    write_file,
)
from dormouse_cli.simulation.document import document
from dormouse_cli.simulation.invocations import (
    FINE_DAYS,
    LONGEST_DAYS,
    EndpointSeen,
    InvocationCounts,
    window_of,
)
from dormouse_cli.simulation.list_price import list_price
from dormouse_cli.simulation.replay import LONGEST_HISTORY, Terms, steps_of
from dormouse_cli.simulation.report import HourPrice, report_of
from dormouse_cli.simulation.traffic import DAY_MINUTES, Traffic, moment_of
from dormouse_cli.simulation.view import simulated

DAYS = 14
WAKE, DELAY_COST = "5m", "15m"
_MINUTE = timedelta(minutes=1)
_DRAWN = {".svg": pictures.svg, ".html": pictures.html}
_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,8})?", re.ASCII)
_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+", re.ASCII)


def simulate(
    options: CommonOptions,
    *,
    counts: Annotated[
        Path | None,
        typer.Argument(
            metavar="COUNTS",
            help="A CSV such as timestamp,count, also packed by gzip; - reads standard input.",
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--endpoint",
            metavar="NAME",
            help="Read CloudWatch instead; may be given several times.",
        ),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LONGEST_DAYS,
            metavar="N",
            help=f"Of CloudWatch: the last days ({DAYS}; before the last {FINE_DAYS} it has no "
            "single minutes).",
        ),
    ] = None,
    csv_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep what was read of CloudWatch as CSV.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Whose clock the week is drawn by, and time stamps without a zone are of (UTC).",
        ),
    ] = None,
    wake: Annotated[
        str, typer.Option(metavar="DURATION", help="How long a start takes, in whole minutes.")
    ] = WAKE,
    delay_cost: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="How long an endpoint you would pay for to spare one delayed minute.",
        ),
    ] = DELAY_COST,
    history: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="DAYS",
            help="What is not scored, for policies to learn from (the first half, at most 7 days).",
        ),
    ] = None,
    price: Annotated[
        str | None, typer.Option(metavar="USD", help="What an hour of the endpoint costs.")
    ] = None,
    instance_type: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="Take its list price in the region, as ml.m5.xlarge."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it, too: FILE.svg or FILE.html.")
    ] = None,
) -> None:
    """Show what each idle policy would have cost on your own traffic; changes nothing."""
    names = tuple(dict.fromkeys(endpoint or ()))
    _see_that_one_source_is_given(counts, names, days, csv_out)
    zone = _zone(timezone)
    terms = Terms(_minutes(wake, "--wake", "1h"), _minutes(delay_cost, "--delay-cost", "24h"), 0)
    usd = _usd(price, instance_type)
    draw = _drawing(picture)
    output = Output(as_json=options.json)
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        output.note(f"Note: {text}")

    seen: tuple[EndpointSeen, ...] = ()
    if counts is not None:
        source = name_of(counts)
        traffic = _of_file(counts, zone, output, note)
    else:
        source = ", ".join(names)
        traffic, seen = _of_cloudwatch(options, names, days or DAYS, output, note)
        if csv_out is not None:
            write_file(csv_out, traffic)
    terms = replace(terms, history=_history(history, traffic))
    hour_price = _price(options, usd, instance_type, seen, note)
    with counting(output, "Replaying", total=steps_of(traffic)) as progress:
        report = report_of(
            source,
            traffic,
            terms,
            price=hour_price,
            zone=zone or UTC,
            notes=tuple(notes),
            advanced=progress.advanced,
        )
    if picture is not None and draw is not None:
        write_bytes(picture, draw(report, zone or UTC).encode())
    if output.as_json:
        output.document(document(report))
    else:
        output.say(simulated(report, zone or UTC))


def _see_that_one_source_is_given(
    counts: Path | None, names: Sequence[str], days: int | None, csv_out: Path | None
) -> None:
    if counts is None and not names:
        raise typer.BadParameter(
            "give a CSV of counts, or --endpoint NAME to read CloudWatch", param_hint="COUNTS"
        )
    if counts is None:
        return
    for option, given in (("--endpoint", names), ("--days", days), ("--csv-out", csv_out)):
        if given:
            raise typer.BadParameter("it does not go with a CSV", param_hint=option)


def _of_file(
    file: Path, zone: tzinfo | None, output: Output, note: Callable[[str], None]
) -> Traffic:
    is_piped = file == STANDARD_INPUT or not file.is_file()
    size = None if is_piped else file.stat().st_size
    with counting(output, f"Reading {name_of(file)}", total=size) as progress:
        found = read_file(file, zone, progress.advanced)
    if found.is_zone_assumed and zone is None:
        note("the time stamps have no zone: UTC is assumed. --timezone names another.")
    return found.traffic


def _of_cloudwatch(
    options: CommonOptions,
    names: Sequence[str],
    days: int,
    output: Output,
    note: Callable[[str], None],
) -> tuple[Traffic, tuple[EndpointSeen, ...]]:
    aws = AwsSession(options)
    asked = InvocationCounts(aws.client("cloudwatch"), aws.client("sagemaker"), aws.region)
    seen = tuple(asked.find(name, note) for name in names)
    window = window_of(days, datetime.now(UTC))
    if window.has_coarse:
        note(
            f"before {format_moment(moment_of(window.fine_from))} CloudWatch has sums of five "
            "minutes only: their requests are spread evenly over them."
        )
    workloads = []
    for each in seen:
        with reading(output, f"Reading the invocations of {each.name}") as progress:
            workloads.append(asked.read(each, window, progress.advanced))
    ordered = tuple(sorted(workloads, key=lambda workload: workload.name))
    return Traffic(ordered, window.begin, window.end, True, "endpoint"), seen


def _price(
    options: CommonOptions,
    usd: Decimal | None,
    instance_type: str | None,
    seen: Sequence[EndpointSeen],
    note: Callable[[str], None],
) -> HourPrice | None:
    if usd is not None:
        return HourPrice(usd, "--price")
    if instance_type is not None:
        aws = AwsSession(options)
        return HourPrice(
            list_price(aws, instance_type), f"list price of {instance_type} in {aws.region}"
        )
    if not seen or not all(each.instances for each in seen):
        return None
    try:
        return _price_of_endpoints(AwsSession(options), seen, note)
    except CliError as error:
        # What was read is worth showing without it.
        note(f"no money is shown: {error.message}")
        return None


def _price_of_endpoints(
    aws: AwsSession, seen: Sequence[EndpointSeen], note: Callable[[str], None]
) -> HourPrice | None:
    known: dict[str, Decimal] = {}
    for each in seen:
        for instances in each.instances:
            if instances.instance_type not in known:
                known[instances.instance_type] = list_price(aws, instances.instance_type)
    whole = {
        " and ".join(f"{one.count} of {one.instance_type}" for one in each.instances): sum(
            (known[one.instance_type] * one.count for one in each.instances), Decimal(0)
        )
        for each in seen
    }
    if len(set(whole.values())) > 1:
        note("no money is shown: the endpoints cost differently. Give --price for one of them.")
        return None
    what, usd = next(iter(whole.items()))
    return HourPrice(usd, f"list price of {what} in {aws.region}")


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise typer.BadParameter(
            f"{name!r} is no time zone that is known here: write Europe/Berlin or UTC",
            param_hint="--timezone",
        ) from error


def _minutes(text: str, option: str, longest: str) -> int:
    try:
        duration = parse_duration(text, shortest=_MINUTE, longest=parse_duration(longest))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
    if duration % _MINUTE:
        raise typer.BadParameter(f"{text!r} is no whole minute, as 5m is", param_hint=option)
    return duration // _MINUTE


def _history(days: float | None, traffic: Traffic) -> int:
    if days is None:
        return min(traffic.minutes // 2, LONGEST_HISTORY)
    history = round(days * DAY_MINUTES) if math.isfinite(days) else traffic.minutes
    if history >= traffic.minutes:
        raise typer.BadParameter(
            f"{days:g} days leave nothing to score: there are "
            f"{traffic.minutes / DAY_MINUTES:.3g} in all",
            param_hint="--history",
        )
    return history


def _usd(text: str | None, instance_type: str | None) -> Decimal | None:
    if text is None:
        if instance_type is not None and _INSTANCE_TYPE.fullmatch(instance_type) is None:
            raise typer.BadParameter(
                f"{instance_type!r} is no instance type, as ml.m5.xlarge is",
                param_hint="--instance-type",
            )
        return None
    if instance_type is not None:
        raise typer.BadParameter("it does not go with --price", param_hint="--instance-type")
    if _PRICE.fullmatch(text) is None or not Decimal(text):
        raise typer.BadParameter(
            f"{text!r} is no price: write the dollars of an hour, as 0.23", param_hint="--price"
        )
    return Decimal(text)


def _drawing(picture: Path | None) -> Callable[..., str] | None:
    if picture is None:
        return None
    if picture.suffix not in _DRAWN:
        raise typer.BadParameter(
            f"{str(picture)!r} has to end with .svg or .html", param_hint="--picture"
        )
    return _DRAWN[picture.suffix]
