"""What a reader must know first: the fastest, what int8 brings, what is not to be trusted; equal reasons once."""
