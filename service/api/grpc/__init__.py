"""The Open Inference Protocol over gRPC, imported only where ``NEWSWIRE_GRPC_PORT`` is set.

Tensors, limits and error messages are those of `service.api.open_inference`.
"""
