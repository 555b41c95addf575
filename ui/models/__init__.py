"""The Models page: cards and the import form."""
