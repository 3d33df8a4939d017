"""Ingestion: files and S3 objects into the store; what is refused is reported with the reason."""
