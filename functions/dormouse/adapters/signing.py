"""AWS's Signature Version 4 of a request that has no query.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

botocore's signer derives the day's key anew for each request and canonicalizes whatever it is
given; what Dormouse sends is simple, and is sent often.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials, as they are now."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Signer:
    """Signs requests to one service in one region. `keys` is asked each time: keys may expire."""

    keys: Callable[[], Keys]
    service: str
    region: str
    _derived_for: tuple[str, str] = field(default=("", ""), init=False, repr=False)
    _derived: bytes = field(default=b"", init=False, repr=False)

    def sign(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        now: datetime,
    ) -> dict[str, str]:
        """Return the headers with those that sign them.

        Their names are in lower case, `host` is one of them, and none is one that may be changed on
        the way, such as `user-agent`: all are signed. The path is as it is sent, with no empty
        segment and no dots for one.
        """
        keys = self.keys()
        # strftime takes ten times as long.
        second = now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        moment = second.replace("-", "").replace(":", "") + "Z"
        digest = sha256(body).hexdigest()
        signed = {**headers, "x-amz-date": moment}
        if keys.token is not None:
            signed["x-amz-security-token"] = keys.token
        if self.service == "s3":
            signed["x-amz-content-sha256"] = digest
        else:
            # All services but S3 want what is encoded already encoded once more.
            path = quote(path, safe="/~")
        names = sorted(signed)
        listed = ";".join(names)
        canonical_headers = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in names)
        canonical = f"{method}\n{path}\n\n{canonical_headers}\n{listed}\n{digest}"
        scope = f"{moment[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = _hmac(self._key(keys.secret_key, moment[:8]), to_sign).hex()
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, "
            f"SignedHeaders={listed}, Signature={signature}"
        )
        return signed

    def _key(self, secret_key: str, day: str) -> bytes:
        """Derive the key of a day; that of the last one is kept."""
        if self._derived_for != (secret_key, day):
            key = f"AWS4{secret_key}".encode()
            for part in (day, self.region, self.service, "aws4_request"):
                key = _hmac(key, part)
            self._derived, self._derived_for = key, (secret_key, day)
        return self._derived


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
