"""The page: all that knows Gradio; a folder a tab, what these share, and what serves them."""
