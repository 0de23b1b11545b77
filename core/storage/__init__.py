"""What core keeps in PostgreSQL: each module holds the statements of one concern."""
