"""What several commands share: options, completion, the report of a fault."""
