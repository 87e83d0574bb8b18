"""Tables and sections of the documents that the code gives; cog blocks in ``docs/`` call them.

``make docs-tables`` writes them into the documents, ``make docs-check`` compares.
"""
