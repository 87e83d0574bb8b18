"""The Open Inference Protocol, V2: what KServe, Triton and their clients speak, over HTTP.

The same texts, predictions and limits as ``POST /classify/batch``, in another form.
"""
