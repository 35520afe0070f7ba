"""Reports -> text, JSON and progress. Nothing else prints, and nothing else imports rich."""
