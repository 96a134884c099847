"""What serves the page, and bounds what strangers can take."""
