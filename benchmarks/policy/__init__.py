"""What each idle policy would have cost on traces of real demand."""

import sys
from importlib.util import find_spec
from pathlib import Path

# Lambda has the policies beside its own package, pip with the client; here they lie in functions/.
if find_spec("dormouse_policy") is None:
    sys.path.append(str(Path(__file__).resolve().parents[2] / "functions"))
