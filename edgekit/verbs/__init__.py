"""One file a verb, composing the stages below."""
