"""What every stage stands on: files, child processes, folders, progress, pixels, statistics."""
