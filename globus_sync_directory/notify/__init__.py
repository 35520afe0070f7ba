"""What has changed since the last mail (``changes``), and the mail about it (``mail``)."""
