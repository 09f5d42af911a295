"""What retests chosen by their first result, or by risk, say of laboratories once the choice is taken into account."""
