"""The foundation of every stage: files, child processes, folders, progress, pixels, statistics."""
