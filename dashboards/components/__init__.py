"""What pages are made of: sentences, status words, tables, figures."""
