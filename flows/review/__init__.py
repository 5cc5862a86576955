"""What was delivered, in a browser: reports and films by links that work from any page and mail."""
