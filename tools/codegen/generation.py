"""A request -> a verified bundle, or the reasons why there is none."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from knowledge.ec2.catalogue import Catalogue
from knowledge.ec2.schema import Source
from tools.charts import Text
from tools.codegen.bundle import MANIFEST, bundle_files, manifest
from tools.codegen.folder import Folder
from tools.codegen.names import OptionError, shorten
from tools.codegen.registry import find_workload
from tools.codegen.render import render_files
from tools.codegen.spec import Bundle, BundleRefusal, BundleRequest, Check, Draft, Options, Workload
from tools.codegen.verify import verify
from tools.codegen.wheels import versions
from tools.errors import ToolInputError


def generate(catalogue: Catalogue, request: BundleRequest) -> Bundle | BundleRefusal:
    """Return the verified bundle of a request, or why none is handed out."""
    workload = find_workload(request.workload)
    options = parse_options(workload, request)
    draft = workload.build(catalogue, options)
    return draft if isinstance(draft, BundleRefusal) else assemble(catalogue, request, draft)


def assemble(catalogue: Catalogue, request: BundleRequest, draft: Draft) -> Bundle | BundleRefusal:
    """Return the bundle of a draft, if its files pass verification."""
    workload = find_workload(request.workload)
    texts = _texts(workload, draft, request)
    unchecked = manifest(request, workload.key, draft, texts)
    checks = verify(Folder({**texts, MANIFEST: unchecked}), catalogue)
    failures = tuple(check for check in checks if check.status == "failed")
    if failures:
        return _not_handed_out(request, failures)
    return Bundle(
        workload=workload.key,
        name=draft.name,
        request=request,
        sheet=draft.sheet,
        plan=draft.plan,
        files=bundle_files(texts, manifest(request, workload.key, draft, texts, checks)),
        shown=draft.shown,
        checks=checks,
        verified=workload.verified,
        sources=_sources(catalogue, draft),
    )


def parse_options(workload: Workload, request: BundleRequest) -> Options:
    """Return the validated options of a request. Raises ToolInputError with the first problem."""
    given = {key: value for key, value in request.options.items() if value is not None}
    try:
        return workload.options.model_validate({"region": request.region} | given)
    except ValidationError as error:
        raise _refusal(workload, dict(error.errors()[0])) from error


def _texts(workload: Workload, draft: Draft, request: BundleRequest) -> dict[str, str]:
    values = {
        "draft": draft,
        "sheet": draft.sheet,
        "request": request,
        "verified": workload.verified,
        "versions": versions(),
        **draft.values,
    }
    return {**render_files(workload.key, draft.templates, values), **draft.texts}


def _not_handed_out(request: BundleRequest, failures: tuple[Check, ...]) -> BundleRefusal:
    return BundleRefusal(
        request=request,
        reason=Text(
            ja="生成したファイルが検証に通らないため、お渡しできません: "
            + "、".join(check.detail.ja for check in failures),
            en="The generated files did not pass verification: "
            + "; ".join(check.detail.en for check in failures),
        ),
        checks=failures,
    )


def _sources(catalogue: Catalogue, draft: Draft) -> tuple[Source, ...]:
    sheet = draft.sheet
    found = [catalogue.source(sheet.instance.source)]
    if sheet.gpu:
        found.append(catalogue.source(sheet.gpu.source))
    if sheet.quote.source:
        found.append(sheet.quote.source)
    return tuple({source.id: source for source in found}.values())


def _refusal(workload: Workload, problem: dict[str, Any]) -> ToolInputError:
    field = str(problem["loc"][0])
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, OptionError):
        return ToolInputError(f"{field}: {cause.ja}", f"{field}: {cause.en}")
    known = ", ".join(name for name in workload.options.model_fields if name != "region")
    if problem["type"] == "extra_forbidden":
        return ToolInputError(
            f"{workload.key} に {field} という指定はありません。使えるもの: {known}",
            f"{workload.key} has no option {field}. Known: {known}",
        )
    if problem["type"] == "missing":
        return ToolInputError(
            f"{workload.key} には {field} の指定が必要です。", f"{workload.key} needs {field}."
        )
    value = shorten(str(problem.get("input")))
    return ToolInputError(
        f"{field} に {value} は使えません: {problem['msg']}",
        f"{field} cannot be {value}: {problem['msg']}",
    )
