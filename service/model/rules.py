"""The rules by which text becomes token ids. A bundle names the one that it was trained with."""

from collections.abc import Mapping
from typing import Final

from service.model.encoding import TextEncoder
from service.model.fields import FieldEncoder, NewsEncoder

ENCODERS: Final[Mapping[str, type[TextEncoder]]] = {
    encoder.rule: encoder for encoder in (TextEncoder, FieldEncoder, NewsEncoder)
}
"""The encoder of each rule."""
