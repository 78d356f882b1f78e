"""Bytes of a foreign tool → samples; one tool a file.

A tool is a module that keeps the promise of ``Tool``; listing it here is all that
makes it known, and tests it.
"""
