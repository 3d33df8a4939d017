"""Amazon Bedrock through the Converse API: region, profile, role, guardrail, time limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

CONNECT_SECONDS = 3
SESSION_NAME = "ask"


def build_bedrock(model_id: str, endpoint_url: str, settings: Settings) -> BaseChatModel:
    """Return the client of a Bedrock model, inference profile or ARN."""
    from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs]
    from langchain_aws import ChatBedrockConverse

    region = settings.model_region or settings.region
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=settings.model_timeout,
        # Retries are ours: they must stop when the user cancels, and mind the time limit.
        retries={"total_max_attempts": 1},
    )
    options: dict[str, Any] = {
        "model": model_id,
        "region_name": region,
        "config": config,
        "max_tokens": settings.model_max_tokens,
    }
    if endpoint_url:
        options["base_url"] = endpoint_url
    if settings.model_profile:
        options["credentials_profile_name"] = settings.model_profile
    if settings.model_role:
        session = _assumed(settings, region)
        for service, field in (("bedrock-runtime", "client"), ("bedrock", "bedrock_client")):
            options[field] = session.client(
                service, config=config, endpoint_url=endpoint_url or None
            )
    if settings.model_base:
        options["base_model"] = settings.model_base
    if model_id.startswith("arn:"):
        options["provider"] = _provider(settings.model_base or model_id)
    if guardrail := settings.model_guardrail:
        identifier, _, version = guardrail.partition(":")
        options["guardrail_config"] = {
            "guardrailIdentifier": identifier,
            "guardrailVersion": version or "DRAFT",
        }
    return ChatBedrockConverse(**options)


def cache_settings(settings: Settings, model: BaseChatModel) -> dict[str, Any]:
    """Return the call options that let Bedrock cache the prompt, for models that can."""
    model_id = str(getattr(model, "base_model_id", None) or getattr(model, "model_id", ""))
    caches = any(part in model_id for part in ("anthropic.claude", "amazon.nova"))
    return {"cache_control": {"type": "default"}} if settings.model_cache and caches else {}


def _provider(model: str) -> str:
    """Return who made the model that an ARN or an id names (`anthropic`)."""
    parts = model.rpartition("/")[2].split(".")
    return parts[-2] if len(parts) > 1 else "anthropic"


def _assumed(settings: Settings, region: str) -> Any:
    """Return a boto3 session of the role, whose credentials renew themselves."""
    import boto3  # pyright: ignore[reportMissingTypeStubs]
    from botocore.credentials import (  # pyright: ignore[reportMissingTypeStubs]
        AssumeRoleCredentialFetcher,
        DeferredRefreshableCredentials,
    )
    from botocore.session import (  # pyright: ignore[reportMissingTypeStubs]
        get_session,  # pyright: ignore[reportUnknownVariableType]
    )

    base: Any = boto3.Session(profile_name=settings.model_profile or None, region_name=region)
    fetcher: Any = AssumeRoleCredentialFetcher(
        client_creator=base._session.create_client,
        source_credentials=base.get_credentials(),
        role_arn=settings.model_role,
        extra_args={"RoleSessionName": SESSION_NAME},
    )
    core: Any = get_session()
    core._credentials = DeferredRefreshableCredentials(
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )
    return boto3.Session(botocore_session=core, region_name=region)
