"""Documents and figures as HTML, Markdown, SVG and pictures. Knows nothing of runs."""
