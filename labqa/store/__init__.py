"""The only code that persists: facts, runs and the ledger, files first and their acceptance last."""
