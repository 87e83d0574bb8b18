"""What code knows, as Markdown and pictures for the documents.

Cog blocks in ``docs/`` and the README call the functions that return Markdown: ``make docs-tables``
writes them into the pages, ``make docs-check`` compares.
"""
