"""Images as networks take them: which files are photos, how they are decoded, resized and cropped, what calibrates."""
