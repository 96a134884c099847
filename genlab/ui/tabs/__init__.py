"""A folder a tab: its Python, HTML, CSS and JavaScript."""
