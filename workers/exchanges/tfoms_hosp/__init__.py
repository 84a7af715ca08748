"""Обмен с ТФОМС сведениями о госпитализации: the default dialect, order-79 style packets over SOAP."""
