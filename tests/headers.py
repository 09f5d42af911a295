"""The English headers of the template that a delivery of the tests fills in."""

HEADERS = [
    "round",
    "sample",
    "product",
    "drawn on",
    "item",
    "lab",
    "role",
    "trigger",
    "value",
    "unit",
    "replicate",
    "test date",
]
