"""The encoders, by name. A bundle names the one that it was trained with."""

from collections.abc import Mapping
from typing import Final

from service.model.encoder import TextEncoder
from service.model.field_encoder import FieldEncoder, NewsEncoder

ENCODERS: Final[Mapping[str, type[TextEncoder]]] = {
    encoder.name: encoder for encoder in (TextEncoder, FieldEncoder, NewsEncoder)
}
