"""What a client sees: routes, schemas, and errors as problem details."""
