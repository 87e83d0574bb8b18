"""The Open Inference Protocol, V2, which KServe, Triton and their clients speak.

Texts, predictions and limits are those of ``POST /classify/batch``.
"""
