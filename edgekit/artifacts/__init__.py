"""Make one artifact, and keep it: prepare, convert, verify, manifest, folder in place."""
