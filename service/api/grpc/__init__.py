"""The Open Inference Protocol over gRPC, imported only where ``NEWSWIRE_GRPC_PORT`` is set.

The tensors, limits and sentences of `service.api.open_inference`, in protobuf.
"""
