"""What code knows, as Markdown and pictures for the documents."""
