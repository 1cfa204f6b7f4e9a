"""Whom TLS trusts: whom botocore trusts, and first of those the few that AWS's certificates are of.

Reading all of botocore's takes a tenth of a function's start, and AWS shows one of its own five:
https://www.amazontrust.com/repository/. Where it is another, all are read, and the other side is
asked once more.
"""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path

# botocore's file has a comment on whose each certificate is.
_CERTIFICATE = re.compile(
    r"^# Issuer: (?:CN=Amazon Root CA [0-9]+ O=Amazon"
    r"|CN=Starfield Services Root Certificate Authority - G2 O=.*)$"
    r"(?:\n#.*)*\n(-----BEGIN CERTIFICATE-----\n[^-]+-----END CERTIFICATE-----)$",
    re.MULTILINE,
)


@dataclass(slots=True)
class Trust:
    """Makes the context of TLS; `bundle` is the certificates of all who are trusted in the end, a
    file or a folder.
    """

    bundle: Path
    context: ssl.SSLContext = field(init=False)
    _is_wide: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        few = "" if self.bundle.is_dir() else amazons(self.bundle.read_text(encoding="utf-8"))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.set_alpn_protocols(["http/1.1"])
        if few:
            self.context.load_verify_locations(cadata=few)
        else:
            self.widen()

    def widen(self) -> bool:
        """Trust all from now on; False where that was so already."""
        if self._is_wide:
            return False
        if self.bundle.is_dir():
            self.context.load_verify_locations(capath=self.bundle)
        else:
            self.context.load_verify_locations(cafile=self.bundle)
        self._is_wide = True
        return True


def amazons(bundle: str) -> str:
    """Take Amazon's own certificates out of botocore's file; empty where it has another form."""
    return "\n".join(_CERTIFICATE.findall(bundle))
