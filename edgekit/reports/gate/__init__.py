"""Pages of the gate: Markdown, JUnit, GitHub."""
