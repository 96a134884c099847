"""The command line: `words` reads flags, `models` and `data` hold the verbs that the page has, too."""
