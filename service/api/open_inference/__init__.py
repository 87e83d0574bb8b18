"""The Open Inference Protocol, V2, which KServe, Triton and their clients speak.

The same texts, predictions and limits as ``POST /classify/batch``, in another form.
"""
