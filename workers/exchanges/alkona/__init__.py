"""Обмен с ТФОМС (Алькона): three exports in files of up to 1000 records, over an exchange folder or a file server."""
