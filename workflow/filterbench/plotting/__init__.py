"""Figures from documents and tables; nothing here imports torch."""
