"""One file for each verb; each composes the stages below."""
