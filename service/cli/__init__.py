"""The command ``newswire``: classify texts without a server, or start one.

It needs typer and rich, which the image of the service does not have: the rest of the service does
not import it.
"""
