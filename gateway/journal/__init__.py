"""The only room that speaks SQL: tables, migrations, reading, writing, leases and bodies."""
