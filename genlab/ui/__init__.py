"""The page: all that knows Gradio; one file a tab."""
