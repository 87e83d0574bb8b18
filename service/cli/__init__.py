"""The command ``newswire``: classify texts without a server, or start one.

It needs the extra ``cli`` of the project, which the image of the service does not have: nothing
else of the service imports this.
"""
