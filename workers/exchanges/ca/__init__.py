"""Сервис обновления реестра УЦ: the ministry's register of accredited certification authorities, downloaded whole."""
