"""Values that the other rooms exchange. Nothing here reads, writes or asks."""
