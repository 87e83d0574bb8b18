"""The variables of docker-compose.yml."""

import re
from typing import Any, Final

from service.settings import PREFIX, ServiceSettings
from tests.conftest import ROOT
from tests.docs.markdown import block, code, codes, load_yaml, table, wrap

PATH: Final = "docker-compose.yml"
VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")
DESCRIPTION: Final = re.compile(r"^#   ([A-Z_]+)  +(\S.*)$", re.MULTILINE)
SETTINGS: Final = {f"{PREFIX}{name.upper()}" for name in ServiceSettings.model_fields}


def variables() -> dict[str, str]:
    """Return the default of each variable."""
    return dict(VARIABLE.findall((ROOT / PATH).read_text()))


def table_of_variables() -> str:
    """Return the variables but the settings of the service; comments in the file describe them."""
    descriptions = dict(DESCRIPTION.findall((ROOT / PATH).read_text()))
    return block(
        table(
            ("variable", "default", "description"),
            ((code(name), code(variables()[name]), text) for name, text in descriptions.items()),
        )
    )


def list_of_settings() -> str:
    """Return the settings of the service and the variables of OpenTelemetry that it passes on."""
    content: Any = load_yaml(PATH)
    passed = content["services"]["service"]["environment"]
    return block(wrap(codes(passed)))
