"""Phones over adb: the agent's launch, battery, state and the runtime's own benchmark program."""
