"""The language everyone speaks: vocabulary, tables, provenance, wording, errors; imports nothing else of ours."""
