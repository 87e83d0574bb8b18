"""The command ``newswire``. It needs typer and rich, which the service does not."""
