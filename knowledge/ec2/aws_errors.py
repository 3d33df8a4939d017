"""Errors of a refresh, each with its cause and remedy.

RefreshError
  RefreshLoginError         credentials are missing, expired or not accepted
  RefreshDeniedError        the permission for an IAM action is missing
  RefreshUnreachableError   the endpoint does not answer
  RefreshThrottledError     AWS asks to slow down, also after retries
  RefreshBusyError          another refresh is writing to the same directory
"""

from __future__ import annotations

from knowledge.errors import RefreshError

LOGIN_REMEDY = "run `aws sso login` or `aws configure`, or set AWS_PROFILE"


class RefreshLoginError(RefreshError):
    """AWS does not know, or does not accept, who asks."""

    def __init__(self, message: str, *, everywhere: bool) -> None:
        """Keep whether every region would answer the same; a region may just not be enabled."""
        super().__init__(message)
        self.everywhere = everywhere


class RefreshDeniedError(RefreshError):
    """The identity lacks the permission for an action."""

    def __init__(self, message: str, *, action: str) -> None:
        """Keep the IAM action that is missing."""
        super().__init__(message)
        self.action = action


class RefreshUnreachableError(RefreshError):
    """No connection to the endpoint."""


class RefreshThrottledError(RefreshError):
    """AWS refuses more calls for now."""


class RefreshBusyError(RefreshError):
    """Another process refreshes the same catalogue; the later writer would undo the earlier."""


_DENIED = {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_INVALID = {"AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch", "OptInRequired"}
_THROTTLED = {"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequests"}


def error_of_code(code: str, message: str, *, action: str, region: str) -> RefreshError:
    """Return the error for the error code with which AWS replied to an action in a region."""
    if code in _DENIED:
        return RefreshDeniedError(
            f"AWS denied {action} in {region}; allow this IAM action for your role", action=action
        )
    if code in _EXPIRED:
        return RefreshLoginError(
            f"The AWS credentials have expired ({code}); {LOGIN_REMEDY}", everywhere=True
        )
    if code in _INVALID:
        return RefreshLoginError(
            f"AWS did not accept the credentials in {region} ({code}): they are invalid, "
            f"or the region is not enabled for the account; {LOGIN_REMEDY}",
            everywhere=False,
        )
    if code in _THROTTLED:
        return RefreshThrottledError(f"AWS throttled {action} in {region}; try again later")
    return RefreshError(f"{action} failed in {region}: {code}: {message}")
