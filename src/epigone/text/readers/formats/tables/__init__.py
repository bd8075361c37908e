"""Reader of tables: CSV, TSV and JSON Lines."""
