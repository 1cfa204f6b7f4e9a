"""The names of models: what a request may name as its TargetModel, and what an archive is called.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import re

ARCHIVE_SUFFIX = ".tar.gz"

# Printable, since it travels in a header.
_TARGET_MODEL = re.compile(r"[!-~][ -~]{0,1023}", re.ASCII)

# As the CLI has them: what needs no quoting in a URL, a header or a shell. No part begins with a
# dot, so that none is `..`.
_ARCHIVE = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9_.=-]*(/[A-Za-z0-9_=-][A-Za-z0-9_.=-]*)*", re.ASCII)
# A key of S3 has 1024 bytes, its prefix included.
_LONGEST_ARCHIVE = 1024 - 256


class ModelNameError(ValueError):
    """A name that no model can have; the message says why."""


def is_target_model(text: str) -> bool:
    """Whether SageMaker would take this as a TargetModel."""
    return _TARGET_MODEL.fullmatch(text) is not None


def check_archive_name(text: str) -> str:
    """Return the name of a model that is to be uploaded or retired.

    Raises:
        ModelNameError: it can't be one.
    """
    if len(text) > _LONGEST_ARCHIVE:
        raise ModelNameError(
            f"the model's name has {len(text)} characters: {_LONGEST_ARCHIVE} are allowed"
        )
    if not text.endswith(ARCHIVE_SUFFIX) or _ARCHIVE.fullmatch(text) is None:
        raise ModelNameError(
            f"{text!r:.300} is no name for a model: letters, digits and _ - = . (not first), in "
            f"parts with / between them, ending in {ARCHIVE_SUFFIX}"
        )
    return text
