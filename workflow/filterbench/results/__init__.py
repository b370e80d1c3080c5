"""What finished cells say together: tables and failures."""
