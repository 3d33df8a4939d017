"""What a form has to ask for each workload, and a bundle as a zip, for front ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from assistant.answer import Language

if TYPE_CHECKING:
    from tools.codegen.spec import Bundle

Kind = Literal["text", "number", "choice", "yes_no"]


@dataclass(frozen=True, slots=True)
class Field:
    """One option of a workload."""

    name: str
    kind: Kind
    default: Any
    """None: chosen by the generator."""
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A workload and its options, the required ones first."""

    key: str
    title: str
    fields: tuple[Field, ...]


def bundle_forms(language: Language) -> list[Form]:
    """Return a form a workload."""
    from tools.codegen.registry import WORKLOADS

    return [
        Form(
            key,
            workload.description.en if language == "en" else workload.description.ja,
            _fields(workload.options.model_json_schema()),
        )
        for key, workload in WORKLOADS.items()
    ]


def zip_of(bundle: Bundle) -> bytes:
    """Return a bundle as a zip."""
    from tools.codegen.bundle import zip_bundle

    return zip_bundle(bundle)


def _fields(schema: dict[str, Any]) -> tuple[Field, ...]:
    required: list[str] = schema.get("required", [])
    found = [
        _field(name, entry, required=name in required)
        for name, entry in schema["properties"].items()
        if name != "region"
    ]
    return tuple(sorted(found, key=lambda field: (not field.required, field.name != "instance")))


def _field(name: str, entry: dict[str, Any], *, required: bool) -> Field:
    default = entry.get("default")
    options: list[dict[str, Any]] = [
        o for o in entry.get("anyOf", [entry]) if o.get("type") != "null"
    ]
    choices = tuple(str(value) for option in options for value in option.get("enum", ()))
    types = {str(option.get("type", "string")) for option in options}
    if choices:
        return Field(name, "choice", default, choices, required)
    if types == {"boolean"}:
        return Field(name, "yes_no", default, (), required)
    number = types <= {"integer", "number"}
    return Field(name, "number" if number else "text", default, (), required)
