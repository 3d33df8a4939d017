"""Errors of the knowledge layer."""


class KnowledgeError(Exception):
    """Something about the shipped or refreshed knowledge is wrong or missing."""


class CatalogueError(KnowledgeError):
    """A catalogue file is missing, damaged or inconsistent."""


class RefreshError(KnowledgeError):
    """AWS could not be asked, or refused; the previous data stays in place."""
