"""The HTTP and gRPC API: routes, schemas, and errors as problem details."""
