"""The verbs that count on simulated boards, without a device: profile, gate, estimate."""
