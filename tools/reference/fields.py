"""The fields of a type as a table: what may stand there by its JSON Schema, what it means by its docstring."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from .text import attributes, sentence, table

WORDS = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}
UNSET = "unset"


def fields_table(type_: type[BaseModel], leave_out: Iterable[str] = ()) -> str:
    """Every field of ``type_``: key, values, default, meaning.

    Args:
        type_: a type whose docstring says what each field means.
        leave_out: fields that are not written in the file.

    Raises:
        ValueError: the docstring says nothing of a field.
    """
    schema = type_.model_json_schema()
    meanings = attributes(type_)
    rows = []
    for name, field in type_.model_fields.items():
        if name in leave_out or name not in schema["properties"]:
            continue
        if name not in meanings:
            raise ValueError(f"the docstring of {type_.__name__} says nothing of {name} under Attributes:")
        default = "required" if field.is_required() else written(field.get_default(call_default_factory=True))
        values = kind(schema["properties"][name], schema.get("$defs", {}))
        rows.append((f"`{name}`", values, default, sentence(meanings[name])))
    return table(("key", "values", "default", "meaning"), rows)


def written(default: Any) -> str:
    """A default as TOML has it."""
    if default is None:
        return UNSET
    if isinstance(default, BaseModel) or default in ((), {}):
        return "empty"
    return f"`{json.dumps(default)}`"


def kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What a JSON Schema lets a value be, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        inner = definitions[name]
        return f"table, see [{name}](#{name.lower()})" if "properties" in inner else kind(inner, definitions)
    if "anyOf" in schema:
        return " or ".join(kind(one, definitions) for one in schema["anyOf"] if one.get("type") != "null")
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return array(schema, definitions)
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        if not isinstance(values, Mapping):
            return "table"
        inner = kind(values, definitions)
        return f"one {inner}, for each name" if inner.startswith("table") else f"table of {inner}"
    return WORDS[schema["type"]] + limits(schema)


def array(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """An array of one kind of values, or of a few places."""
    if "prefixItems" in schema:
        places = schema["prefixItems"]
        return f"array of {len(places)} {kind(places[0], definitions)}s"
    inner = kind(schema["items"], definitions)
    return f"array of {inner.replace('table', 'tables', 1) if inner.startswith('table') else inner}"


def limits(schema: Mapping[str, Any]) -> str:
    """The range of a number in brackets; nothing when any will do."""
    signs = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    said = [f"{words} {schema[key]:g}" for key, words in signs.items() if key in schema]
    return f" ({', '.join(said)})" if said else ""
