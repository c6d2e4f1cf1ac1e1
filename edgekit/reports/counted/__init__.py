"""What was counted on simulated boards: kept and shown apart from all that was measured."""
