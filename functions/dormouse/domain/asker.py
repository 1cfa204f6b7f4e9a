"""Who asks for an endpoint, as far as that is remembered."""

LONGEST = 256


def asker(name: str | None) -> str | None:
    """Shorten a principal, or whatever else names who asks, to what is kept of it; None for nobody.

    What is left out is marked, so that no prefix is taken for a whole name.
    """
    if not name:
        return None
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
