"""What comes from elsewhere: downloads and archives with limits, and what hubs call their networks."""
