"""Ingestion: files and S3 objects into the store, unchanged ones skipped, refused ones reported with the reason."""
