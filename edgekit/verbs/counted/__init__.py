"""What is counted on simulated boards, without a device: profile, gate, estimate."""
