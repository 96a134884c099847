"""The API: what programs and assistants may ask of the models, as an HTTP interface and as tools of an MCP server."""
